"""The sources of one Monitor."""

from collections.abc import Callable

from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.source import Source
from tsmon.points import Point

__all__ = ["Sources"]


class Sources:
    """Sources whose points are passed to ``emit``; one that fails is logged and does not affect the others."""

    def __init__(self, emit: Callable[[Point], None]) -> None:
        self._emit = emit
        self._sources: list[Source] = []
        self._log = RateLimitedLog()

    def add(self, source: Source) -> None:
        """Collect from ``source``, too."""
        self._sources.append(source)

    def collect(self, *, last: bool = False) -> None:
        """Emit the points of all sources; with ``last`` there is no next time."""
        for source in self._sources:
            try:
                if last:
                    source.hold_nothing()
                for point in source.collect():
                    self._emit(point)
            except Exception as error:
                self._log.warning("source", f"what {type(source).__name__} has gathered is lost: {error}")

    def hold_again(self) -> None:
        """The Monitor starts after a stop: events may be gathered again."""
        for source in self._sources:
            source.hold_again()

    def forget(self) -> None:
        """In a forked child: discard what was gathered, which belongs to the parent."""
        for source in self._sources:
            source.forget()
