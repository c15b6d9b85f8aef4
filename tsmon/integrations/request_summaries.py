"""Routes too busy for a point per request: one point per flush instead, or one request in many."""

import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from tsmon.points.requests import RequestSummary
from tsmon.sketch import Sketch

__all__ = ["RequestSummaries", "RouteSampling"]


class RouteSampling:
    """Which requests of which routes become points of their own.

    ``summarized`` are patterns of routes (``GET:/health*``) whose requests are only summed up; ``sampled`` gives
    patterns a number n: one request in n is kept. Of several patterns the first counts.
    """

    def __init__(self, summarized: Sequence[str], sampled: Mapping[str, int]) -> None:
        self._patterns = [*((pattern, 0) for pattern in summarized), *sampled.items()]

    def one_in(self, route: str) -> int:
        """Of how many requests one is kept; 0 where they are summed up."""
        return next((number for pattern, number in self._patterns if fnmatchcase(route, pattern)), 1)

    @staticmethod
    def keeps(request_id: str, one_in: int) -> bool:
        """Whether this request is kept.

        It depends on its identifier alone, so that services that pass the identifier on keep the same requests.
        """
        return zlib.crc32(request_id.encode(errors="replace")) % one_in == 0


class _Cell:
    __slots__ = ("count", "highest", "lowest", "sketch", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = float("inf")
        self.highest = 0.0
        self.sketch = Sketch()


class RequestSummaries:
    """Sums up requests by route and status from one flush to the next."""

    def __init__(self, service: str | None) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, int], _Cell] = {}

    def add(self, route: str, status: int, execution_time: float) -> None:
        """Count one request, of so many seconds."""
        with self._lock:
            cell = self._cells.get((route, status))
            if cell is None:
                cell = self._cells[route, status] = _Cell()
            cell.count += 1
            cell.total += execution_time
            if execution_time < cell.lowest:
                cell.lowest = execution_time
            if execution_time > cell.highest:
                cell.highest = execution_time
            cell.sketch.add(execution_time)

    def collect(self) -> Iterator[RequestSummary]:
        """What has been summed up since the last time."""
        with self._lock:
            cells, self._cells = self._cells, {}
        for (route, status), cell in cells.items():
            # Within 1 % of the true ones, and never beyond the extremes, which are exact.
            p50, p90, p99 = (
                min(max(cell.sketch.quantile(fraction), cell.lowest), cell.highest) for fraction in (0.5, 0.9, 0.99)
            )
            yield RequestSummary(
                service=self._service,
                route=route,
                status_code=status,
                count=cell.count,
                sum=cell.total,
                min=cell.lowest,
                max=cell.highest,
                p50=p50,
                p90=p90,
                p99=p99,
                sketch=cell.sketch.text,
            )

    def forget(self) -> None:
        """In a forked child: what was summed up is the parent's."""
        self._lock = threading.Lock()
        self._cells = {}
