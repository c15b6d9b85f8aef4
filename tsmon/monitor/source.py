"""What has points to give at each flush, besides those that are emitted one by one."""

from collections.abc import Iterable
from typing import Final, Protocol

from tsmon.points import Point

__all__ = ["MAX_HELD", "Source"]

MAX_HELD: Final = 64
"""Events that a source holds back, to make points of them together: one after the other each costs less."""


class Source(Protocol):
    """Asked by a Monitor before each flush and at its stop; see :meth:`tsmon.Monitor.add_source`."""

    def collect(self) -> Iterable[Point]:
        """Points of what has happened since the last time."""

    def forget(self) -> None:
        """In a forked child: what was gathered is the parent's."""

    def hold_nothing(self) -> None:
        """The Monitor stops: what happens from now on is emitted at once, so that it is counted as dropped."""
