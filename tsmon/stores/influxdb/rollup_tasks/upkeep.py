"""What a running agent adds to the server's tasks: new measurements, late points, comparisons of counts."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tsmon.errors import StoreUnavailableError, TsmonError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.stores.influxdb.rollup_tasks.count_comparison import find_differing_days
from tsmon.stores.influxdb.rollup_tasks.recompute import recompute
from tsmon.stores.influxdb.rollup_tasks.setup import find_changes
from tsmon.stores.influxdb.rollup_tasks.written_spans import WrittenSpans
from tsmon.stores.influxdb.rollups.layout import tier_bucket
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.setup_change import ignore_progress
from tsmon.time_units import DAY_NS, MINUTE_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = ["RollupUpkeep", "backfill"]

LATE_NS: Final = 5 * MINUTE_NS
"""Tasks recompute recent windows; a point that is older than this when it is written may be too late for them."""

SETUP_INTERVAL_S: Final = 600.0
COMPARISON_INTERVAL_S: Final = 3_600.0
COMPARED_DAYS: Final = 35


class RollupUpkeep:
    """Continues what ``tsmon-agent setup`` has begun; does nothing on a server without rollups.

    New measurements get their tasks. Late points that were written through this bucket are rolled up at the next
    refresh, and those of other programs within an hour, since the counts of a day then differ.
    """

    def __init__(self, bucket: "InfluxBucket") -> None:
        self._bucket = bucket
        self._written = WrittenSpans()
        self._setup_s = self._comparison_s = float("-inf")
        self._log = RateLimitedLog()
        bucket.on_written = self._record

    def _record(self, lines: bytes) -> None:
        self._written.record(lines, time.time_ns() - LATE_NS)

    async def refresh(self, tiers: Sequence[RollupTier]) -> None:
        """Do what is due; raises :class:`~tsmon.errors.StoreError`."""
        now_s = time.monotonic()
        if now_s - self._setup_s >= SETUP_INTERVAL_S:
            self._setup_s = now_s
            if await self._is_set_up(tiers):
                await self._add_new_measurements(tiers)
        known = {one.measurement for one in await self._bucket.rollups.all()}
        for measurement, start_ns, stop_ns in self._written.take():
            if measurement in known:
                await recompute(self._bucket, measurement, start_ns, stop_ns)
        if now_s - self._comparison_s >= COMPARISON_INTERVAL_S:
            self._comparison_s = now_s
            await self._compare_counts(known)

    async def _is_set_up(self, tiers: Sequence[RollupTier]) -> bool:
        """Whether a setup has created the bucket of any tier."""
        names = [tier_bucket(self._bucket.connection.bucket, tier.every_ns) for tier in tiers]
        return any([await self._bucket.find_bucket(name) for name in names])

    async def _compare_counts(self, known: set[str]) -> None:
        for measurement in sorted(known):
            days = await find_differing_days(self._bucket, measurement, COMPARED_DAYS, now_ns=time.time_ns())
            for day_ns in days:
                await recompute(self._bucket, measurement, day_ns, day_ns + DAY_NS)

    async def _add_new_measurements(self, tiers: Sequence[RollupTier]) -> None:
        try:
            for change in await find_changes(self._bucket, tiers):
                await change.apply(ignore_progress)
        except TsmonError as error:
            self._log.warning(
                "setup",
                f"new measurements are not rolled up: {error}; run tsmon-agent setup with a token that may do this",
            )


@asynccontextmanager
async def backfill(bucket: "InfluxBucket", rolling_up: Callable[[str], None]) -> AsyncIterator[None]:
    """See :meth:`Store.backfill`: recompute the rollups of all that is written meanwhile, if there are rollups."""
    try:
        has_rollups = bool(await bucket.rollups.all())
    except StoreUnavailableError:
        # The writes wait for the server; an agent's comparison of counts finds what they have changed.
        has_rollups = False
    if not has_rollups:
        yield
        return
    spans = WrittenSpans()
    before, bucket.on_written = bucket.on_written, lambda lines: spans.record(lines, MAX_TIME_NS)
    try:
        yield
    finally:
        bucket.on_written = before
    for measurement, start_ns, stop_ns in spans.take():
        rolling_up(measurement)
        await recompute(bucket, measurement, start_ns, stop_ns)
