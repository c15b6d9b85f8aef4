"""What the agent does for rollups in InfluxDB, beside the server's own tasks."""

import time
from typing import Final

from tsmon.errors import TsmonError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.stores.influxdb import InfluxStore
from tsmon.stores.influxdb.rollup_tasks import WrittenSpans, changes_needed, differing_days, recompute
from tsmon.stores.influxdb.rollups import tier_bucket
from tsmon.time_units import DAY_NS, MINUTE_NS
from tsmon_agent.settings import RollupSettings

__all__ = ["InfluxRollups"]

LATE_NS: Final = 5 * MINUTE_NS
"""Tasks compute windows again for some time; what is older when it is written may be too late for them."""

LOOK_S: Final = 600.0
COMPARE_S: Final = 3_600.0
COMPARED_DAYS: Final = 35


class InfluxRollups:
    """Keeps up what ``tsmon-agent setup`` has begun; does nothing on a server without rollups.

    Measurements that are new get their tasks, late points of this agent's are rolled up within a minute, and those
    of other programs within an hour, when the numbers of values of a day differ.
    """

    def __init__(self, store: InfluxStore) -> None:
        self.store = store
        self._written = WrittenSpans()
        self._looked_s = self._compared_s = float("-inf")
        self._log = RateLimitedLog()
        store.on_written = self._saw

    def _saw(self, lines: bytes) -> None:
        self._written.saw(lines, time.time_ns() - LATE_NS)

    async def keep_up(self, settings: RollupSettings) -> None:
        """Do what is due; raises :class:`~tsmon.errors.StoreError`."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            if await self._begun(settings):
                await self._add_new(settings)
        known = {one.measurement for one in await self.store.rollups.all()}
        for measurement, start_ns, stop_ns in self._written.take():
            if measurement in known:
                await recompute(self.store, measurement, start_ns, stop_ns)
        if now_s - self._compared_s >= COMPARE_S:
            self._compared_s = now_s
            await self._compare(known)

    async def _begun(self, settings: RollupSettings) -> bool:
        """Whether there was a setup, which makes a bucket for each tier."""
        bucket = self.store.connection.bucket
        return any(
            [await self.store.bucket(tier_bucket(bucket, tier.every_ns)) for tier in settings.effective_tiers]
        )

    async def _compare(self, known: set[str]) -> None:
        for measurement in sorted(known):
            days = await differing_days(self.store, measurement, COMPARED_DAYS, now_ns=time.time_ns())
            for day_ns in days:
                await recompute(self.store, measurement, day_ns, day_ns + DAY_NS)

    async def _add_new(self, settings: RollupSettings) -> None:
        try:
            for change in await changes_needed(self.store, settings.effective_tiers):
                await change.apply(lambda *_: None)
        except TsmonError as error:
            self._log.warning(
                "setup", f"rollups of new measurements: {error}; run tsmon-agent setup with a token that may"
            )
