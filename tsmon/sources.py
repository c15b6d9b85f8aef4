"""What has points to give at each flush, besides those that are emitted one by one."""

from collections.abc import Iterable
from typing import Protocol

from tsmon.points import Point

__all__ = ["Source"]


class Source(Protocol):
    """Asked by a Monitor before each flush and at its stop; see :meth:`tsmon.Monitor.add_source`."""

    def collect(self) -> Iterable[Point]:
        """Points of what has happened since the last time."""

    def forget(self) -> None:
        """In a forked child: what was gathered is the parent's."""
