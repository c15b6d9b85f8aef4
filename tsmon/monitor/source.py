"""Sources: what points are collected from at each flush."""

from collections.abc import Iterable
from typing import Final, Protocol

from tsmon.points import Point

__all__ = ["MAX_HELD", "Source"]

MAX_HELD: Final = 64
"""Events that a source gathers before it emits them as points; in a row each costs less."""


class Source(Protocol):
    """Collected from before each flush and at the stop; see :meth:`tsmon.Monitor.add_source`.

    It may also have a method ``hold_again()``, which is called after :meth:`hold_nothing` when the Monitor starts
    (again): then events may be gathered again.
    """

    def collect(self) -> Iterable[Point]:
        """Points of what has happened since the last call."""

    def forget(self) -> None:
        """In a forked child: discard what was gathered, which belongs to the parent."""

    def hold_nothing(self) -> None:
        """Emit later events at once.

        The Monitor stops and counts them as dropped; or this is a forked child, where the first point starts it.
        """
