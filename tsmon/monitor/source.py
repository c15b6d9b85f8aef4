"""Sources: what points are collected from at each flush."""

from collections.abc import Iterable
from typing import Final, Protocol

from tsmon.points import Point

__all__ = ["MAX_HELD", "Source"]

MAX_HELD: Final = 64
"""Events that a source gathers before it emits them as points; in a row each costs less."""


class Source(Protocol):
    """Collected from before each flush and at the stop; see :meth:`tsmon.Monitor.add_source`."""

    def collect(self) -> Iterable[Point]:
        """Points of what has happened since the last call."""

    def forget(self) -> None:
        """In a forked child: discard what was gathered, which belongs to the parent."""

    def hold_nothing(self) -> None:
        """The Monitor stops: emit later events at once, so that they are counted as dropped."""

    def hold_again(self) -> None:
        """The Monitor starts after a stop: events may be gathered again."""
