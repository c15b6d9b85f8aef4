"""What keeps the agent's store in order: retention, rollups, and the tiers that the settings name."""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from tsmon.errors import StateError, TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector, Store
from tsmon.stores.retention_policy import RetentionPolicy, RetentionStatus
from tsmon_agent.settings import RollupSettings, StreamSettings
from tsmon_agent.upkeep.periodic_round import PeriodicRound
from tsmon_agent.upkeep.retention_terms import describe_narrowing, describe_removed, policy_of

__all__ = ["StoreUpkeep"]

_log = logging.getLogger("tsmon")

RETENTION_INTERVAL_S: Final = 600.0
ROLLUP_INTERVAL_S: Final = 60.0
REMINDER_S: Final = 86_400.0
"""How often a retention that is about to become shorter is logged."""
REPORT_S: Final = 3_600.0
"""How often it is logged what retention has removed."""


async def _no_streams() -> Sequence[Selector]:
    return ()


class StoreUpkeep:
    """Applies retention and refreshes rollups of whatever ``store`` returns, which a reload may replace.

    ``find_streams`` returns what the expected streams select, whose points have a retention of their own.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        monitoring: MonitoringSettings,
        rollups: RollupSettings,
        streams: StreamSettings | None = None,
        find_streams: Callable[[], Awaitable[Sequence[Selector]]] = _no_streams,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._policy = policy_of(monitoring, streams or StreamSettings())
        self._rollups = rollups
        self._find_streams = find_streams
        self._clock = clock
        self._log = RateLimitedLog()
        self._reminders = RateLimitedLog(REMINDER_S, clock)
        self._removed: tuple[Counter[str], Counter[int]] = (Counter(), Counter())
        self._reported_s = float("-inf")
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
        self._report_removed()

    async def settle(self) -> None:
        """Let the store know the retention before anything is written; log a failure."""
        await self._log_failure("retention", self._settle(self._store()))

    async def reconfigure(
        self, monitoring: MonitoringSettings, rollups: RollupSettings, streams: StreamSettings | None = None
    ) -> None:
        """Apply other settings from now on."""
        if rollups != self._rollups:
            await self._store().change_tiers(rollups.effective_tiers)
        self._policy = policy_of(monitoring, streams or StreamSettings())
        self._rollups = rollups

    async def apply_retention(self) -> None:
        """Remove expired points and rollups, and report it; log a failure.

        Nothing is removed while it is not known which streams are expected.
        """
        await self._log_failure("retention", self._apply_retention())

    async def refresh_rollups(self) -> None:
        """Compute the rollups that are due; log a failure."""
        await self._log_failure("rollups", self._store().refresh_rollups())

    async def _apply_retention(self) -> None:
        store = self._store()
        try:
            await store.keep_streams(await self._find_streams())
        except StateError as error:
            self._log.warning("streams", f"no point expires, because the expected streams are not known: {error}")
            return
        in_force = await self._settle(store)
        await store.apply_retention(
            in_force.points_ns, streams_keep_ns=in_force.streams_ns, report=self._add_removed
        )

    async def _settle(self, store: Store) -> RetentionPolicy:
        status = await store.settle_retention(self._policy)
        if status.narrowings:
            await self._remind(store, status)
        return status.in_force

    async def _remind(self, store: Store, status: RetentionStatus) -> None:
        """Log what is about to become shorter, and what that will remove, once a day."""
        new = [one for one in status.narrowings if self._reminders.is_due(f"{one.subject} {one.wanted_ns}")]
        if not new:
            return
        counted = await store.read_retention(self._policy) or status
        for one in counted.narrowings:
            self._reminders.warning(f"{one.subject} {one.wanted_ns}", f"{store}: {describe_narrowing(one)}")

    def _add_removed(self, points: Mapping[str, int], rollups: Mapping[int, int]) -> None:
        self._removed[0].update(points)
        self._removed[1].update(rollups)
        if self._clock() - self._reported_s >= REPORT_S:
            self._report_removed()

    def _report_removed(self) -> None:
        what = describe_removed(*self._removed)
        if what:
            self._reported_s = self._clock()
            self._removed = (Counter(), Counter())
            _log.info("retention has removed %s from %s", what, self._store())

    async def _log_failure(self, name: str, work: Awaitable[object]) -> None:
        try:
            await work
        except TsmonError as error:
            self._log.warning(name, f"the {name} of the store failed: {error}")
