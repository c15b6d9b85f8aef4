"""The accounting of a Monitor as points of its own: losses are visible beside the other points."""

import socket
import time
from collections.abc import Callable, Iterator

from tsmon.delivery.accounting import Counts
from tsmon.points.self_metrics import MonitorCounts

__all__ = ["SelfMetrics"]


class SelfMetrics:
    """A source that yields a :class:`~tsmon.points.self_metrics.MonitorCounts` every ``period_s`` seconds."""

    def __init__(
        self,
        counts: Callable[[], Counts],
        service: Callable[[], str | None],
        period_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts = counts
        self._service = service
        self._clock = clock
        self.set_period(period_s)

    def set_period(self, period_s: float) -> None:
        """Yield a point every ``period_s`` seconds from now on; 0 means never."""
        self._period_s = period_s or float("inf")
        self._due = self._clock() + self._period_s

    def collect(self) -> Iterator[MonitorCounts]:
        """See :class:`tsmon.monitor.source.Source`."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + self._period_s
        counts = self._counts()
        yield MonitorCounts.from_counts(
            counts,
            host=socket.gethostname(),
            service=self._service(),
            fields={f"dropped_{reason.replace(' ', '_')}": lines for reason, lines in counts.dropped_by.items()},
        )

    def forget(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
        self._due = self._clock() + self._period_s

    def hold_nothing(self) -> None:
        """See :class:`tsmon.monitor.source.Source`."""
