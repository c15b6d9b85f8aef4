"""What keeps the agent's store in order: retention, rollups, and the tiers that the settings name."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from tsmon.errors import TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.settings import MonitoringSettings
from tsmon.stores import Store
from tsmon_agent.settings import RollupSettings
from tsmon_agent.upkeep.periodic_round import PeriodicRound

__all__ = ["StoreUpkeep"]

RETENTION_INTERVAL_S: Final = 600.0
ROLLUP_INTERVAL_S: Final = 60.0
FOR_EVER_DAYS: Final = 100_000.0


class StoreUpkeep:
    """Applies retention and refreshes rollups of whatever ``store`` returns, which a reload may replace."""

    def __init__(self, store: Callable[[], Store], monitoring: MonitoringSettings, rollups: RollupSettings) -> None:
        self._store = store
        self._retention_days = monitoring.retention_days
        self._rollups = rollups
        self._log = RateLimitedLog()
        self._rounds = (
            PeriodicRound(self.apply_retention, RETENTION_INTERVAL_S, at_once=True),
            PeriodicRound(self.refresh_rollups, ROLLUP_INTERVAL_S, at_once=True),
        )

    def start(self) -> None:
        """Begin with both."""
        for one in self._rounds:
            one.start()

    def stop(self) -> None:
        """End both."""
        for one in self._rounds:
            one.stop()

    async def reconfigure(self, monitoring: MonitoringSettings, rollups: RollupSettings) -> None:
        """Apply other settings from now on."""
        if rollups != self._rollups:
            await self._store().change_tiers(rollups.effective_tiers)
        self._retention_days = monitoring.retention_days
        self._rollups = rollups

    async def apply_retention(self) -> None:
        """Remove expired points and rollups; log a failure."""
        await self._log_failure("retention", self._store().apply_retention(_keep_ns(self._retention_days)))

    async def refresh_rollups(self) -> None:
        """Compute the rollups that are due; log a failure."""
        await self._log_failure("rollups", self._store().refresh_rollups())

    async def _log_failure(self, name: str, work: Awaitable[object]) -> None:
        try:
            await work
        except TsmonError as error:
            self._log.warning(name, f"the {name} of the store failed: {error}")


def _keep_ns(days: float) -> int | None:
    """Nanoseconds for which points are kept; None: for ever."""
    return timedelta(days=days) // timedelta(microseconds=1) * 1_000 if 0 < days < FOR_EVER_DAYS else None
