"""The agent's accounting of points, as a point of its own every few seconds."""

from collections.abc import Callable
from typing import Final

from tsmon import Monitor, TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.points.self_metrics import AgentCounts
from tsmon.scheduling.periodic import Periodic

__all__ = ["SelfMetrics"]

PIPELINE_INTERVAL_S: Final = 10.0


class SelfMetrics:
    """Emits ``tsmon_pipeline`` points with the counts of ``monitor``; ``host`` returns their host tag."""

    def __init__(self, monitor: Monitor, host: Callable[[], str]) -> None:
        self._monitor = monitor
        self._host = host
        self._ticker = Periodic(self.emit, PIPELINE_INTERVAL_S, at_once=True)
        self._log = RateLimitedLog()

    def start(self) -> None:
        """Begin."""
        self._ticker.start()

    def stop(self) -> None:
        """End."""
        self._ticker.stop()

    def emit(self) -> None:
        """Emit one point; log a failure."""
        try:
            self._monitor.emit(AgentCounts.from_counts(self._monitor.counts, host=self._host()))
        except TsmonError as error:
            self._log.warning("pipeline", f"the agent cannot report its own counts: {error}")
