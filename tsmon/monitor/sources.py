"""The sources of one Monitor."""

from collections.abc import Callable

from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.source import Source
from tsmon.points import Point
from tsmon.threads.locks import raise_interruption

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
                raise_interruption(error)
                self._log.warning("source", f"what {type(source).__name__} has gathered is lost: {error}")

    def hold_nothing(self) -> None:
        """Sources emit later events at once."""
        self._call_all("hold_nothing")

    def hold_again(self) -> None:
        """The Monitor starts, again or in a forked child: events may be gathered again."""
        self._call_all("hold_again")

    def forget(self) -> None:
        """In a forked child: discard what was gathered, which belongs to the parent."""
        self._call_all("forget")

    def _call_all(self, method: str) -> None:
        for source in self._sources:
            try:
                getattr(source, method, _do_nothing)()
            except Exception as error:
                raise_interruption(error)
                self._log.warning("source", f"{type(source).__name__}.{method}() has failed: {error}")


def _do_nothing() -> None:
    pass
