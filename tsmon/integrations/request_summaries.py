"""Routes that are too busy for a point per request: one point per flush instead, or one request in many."""

import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Final, Protocol, TypeVar

from tsmon.integrations.point_builder import check_class
from tsmon.points.requests import RequestSummary
from tsmon.sketch import Sketch
from tsmon.threads.native import create_lock

__all__ = ["RequestSummaries", "RouteSampling"]

RECORDED: Final = frozenset(
    {"service", "route", "status_code", "count", "sum", "min", "max", "p50", "p90", "p99", "sketch"}
)
"""Attributes of a :class:`~tsmon.RequestSummary` that have values here."""


MAX_RECENT: Final = 500
"""Times that are kept before they are summed up."""

_elapsed_s: Callable[["Timed"], float] = attrgetter("elapsed_s")


class Timed(Protocol):
    """What is summed up."""

    @property
    def elapsed_s(self) -> float:
        """Seconds that it took."""


TimedT = TypeVar("TimedT", bound=Timed)


class RouteSampling:
    """Which requests of which routes become points of their own.

    ``summarized`` are patterns of routes (``GET:/health*``) whose requests are only summed up. ``sampled`` maps
    patterns to a number n: one request in n is kept. The first pattern that matches counts.
    """

    def __init__(self, summarized: Sequence[str], sampled: Mapping[str, int]) -> None:
        self._patterns = [*((pattern, 0) for pattern in summarized), *sampled.items()]

    def one_in(self, route: str) -> int:
        """Return of how many requests of a route one is kept; 0 if they are summed up."""
        return next((number for pattern, number in self._patterns if fnmatchcase(route, pattern)), 1)

    @staticmethod
    def keeps(request_id: str, one_in: int) -> bool:
        """Whether this request is kept.

        It depends on its identifier alone, so that services that pass the identifier on keep the same requests.
        """
        return zlib.crc32(request_id.encode(errors="replace")) % one_in == 0


class _Totals:
    """Sums of the requests of one route and status.

    New times are appended to ``recent`` by one call in C, so an exception of a signal handler leaves them all in
    or all out. Sums are never changed, but made anew.
    """

    __slots__ = ("count", "highest", "lowest", "recent", "sketch", "total")

    def __init__(self, before: "_Totals | None" = None) -> None:
        self.recent: list[float] = []
        self.sketch = Sketch()
        if before is None:
            self.count = 0
            self.total = 0.0
            self.lowest = float("inf")
            self.highest = 0.0
        else:
            recent = before.recent
            self.count = before.count + len(recent)
            self.total = sum(recent, before.total)
            self.lowest = min(before.lowest, *recent)
            self.highest = max(before.highest, *recent)
            self.sketch.merge(before.sketch)
            for one in recent:
                self.sketch.add(one)


class RequestSummaries:
    """Sums up requests by route and status from one flush to the next."""

    def __init__(self, service: str | None, summary_class: type[RequestSummary] = RequestSummary) -> None:
        check_class(summary_class, RequestSummary, "summary_class", RECORDED)
        self._service = service
        self._class = summary_class
        self._lock = create_lock()
        self._totals: dict[tuple[str, int], _Totals] = {}

    def add(self, route: str, status: int, execution_time: float) -> None:
        """Count one request; ``execution_time`` is in seconds."""
        with self._lock:
            self._recent_of(route, status).append(execution_time)

    def move(self, route: str, status: int, requests: deque[TimedT]) -> None:
        """Take one request out of ``requests``, and count it."""
        with self._lock:
            recent = self._recent_of(route, status)
            # By one call in C, so it is either there or here, whatever interrupts.
            next(map(recent.append, map(_elapsed_s, iter(requests.popleft, None))))

    def _recent_of(self, route: str, status: int) -> list[float]:
        key = route, status
        totals = self._totals.get(key)
        if totals is None:
            totals = self._totals[key] = _Totals()
        elif len(totals.recent) >= MAX_RECENT:
            totals = self._totals[key] = _Totals(totals)
        return totals.recent

    def collect(self) -> Iterator[RequestSummary]:
        """Yield what has been summed up since the last call."""
        with self._lock:
            collected, self._totals = self._totals, {}
        for (route, status), unsummed in collected.items():
            totals = _Totals(unsummed)
            # Within 1 % of the true ones, and never beyond the extremes, which are exact.
            p50, p90, p99 = (
                min(max(totals.sketch.quantile(fraction), totals.lowest), totals.highest)
                for fraction in (0.5, 0.9, 0.99)
            )
            yield self._class(
                service=self._service,
                route=route,
                status_code=status,
                count=totals.count,
                sum=totals.total,
                min=totals.lowest,
                max=totals.highest,
                p50=p50,
                p90=p90,
                p99=p99,
                sketch=totals.sketch.text,
            )

    def forget(self) -> None:
        """In a forked child: forget what was summed up, which is the parent's."""
        self._lock = create_lock()
        self._totals = {}
