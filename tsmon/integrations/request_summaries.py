"""Routes that are too busy for a point per request: one point per flush instead, or one request in many."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from tsmon.integrations.point_builder import check_class
from tsmon.points.requests import RequestSummary
from tsmon.sketch import Sketch
from tsmon.threads.native import create_lock

__all__ = ["RequestSummaries", "RouteSampling"]

RECORDED: Final = frozenset(
    {"service", "route", "status_code", "count", "sum", "min", "max", "p50", "p90", "p99", "sketch"}
)
"""Attributes of a :class:`~tsmon.RequestSummary` that have values here."""


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
    """Sums of the requests of one route and status."""

    __slots__ = ("count", "highest", "lowest", "sketch", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = float("inf")
        self.highest = 0.0
        self.sketch = Sketch()


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
            totals = self._totals.get((route, status))
            if totals is None:
                totals = self._totals[route, status] = _Totals()
            totals.count += 1
            totals.total += execution_time
            if execution_time < totals.lowest:
                totals.lowest = execution_time
            if execution_time > totals.highest:
                totals.highest = execution_time
            totals.sketch.add(execution_time)

    def collect(self) -> Iterator[RequestSummary]:
        """Yield what has been summed up since the last call."""
        with self._lock:
            collected, self._totals = self._totals, {}
        for (route, status), totals in collected.items():
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
