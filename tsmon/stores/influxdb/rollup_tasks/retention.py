"""What buckets of rollups keep, and what would be removed if they kept it as long as the settings say."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.queries import quote
from tsmon.stores.influxdb.rollup_tasks.rollup_flux import is_too_wide
from tsmon.stores.influxdb.rollup_tasks.setup import find_unlisted_tiers, keep_longer
from tsmon.stores.influxdb.rollups.layout import COUNT, tier_bucket
from tsmon.stores.influxdb.whole_windows import MIN_TIME_NS, WIDEST_NS
from tsmon.stores.retention_policy import Expiring, Narrowing, RetentionPolicy, RetentionStatus
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = ["read_retention"]

OF_COUNTS: Final = f"r._field =~ /{COUNT}$/"


async def read_retention(bucket: "InfluxBucket", tiers: Sequence[RollupTier]) -> RetentionStatus:
    """The retention of the bucket, which all points have, and what the tiers would make shorter."""
    since_ns, now_ns = await bucket.points_since_ns(), time.time_ns()
    keep_ns = None if since_ns == MIN_TIME_NS else round((now_ns - since_ns) / SECOND_NS) * SECOND_NS
    narrowings = []
    for tier in tiers:
        longer = await keep_longer(bucket, tier)
        if longer != tier and tier.keep_ns is not None:
            expiring = await _count(bucket, tier, now_ns - tier.keep_ns)
            narrowings.append(Narrowing(tier.every_ns, longer.keep_ns, tier.keep_ns, None, expiring))
    unlisted = await find_unlisted_tiers(bucket, tiers)
    too_wide = tuple(tier.every_ns for tier in tiers if is_too_wide(tier.every_ns, keep_ns or 0))
    policy = RetentionPolicy(keep_ns, keep_ns)
    return RetentionStatus(policy, tuple(narrowings), tuple(unlisted), too_wide_tiers=too_wide)


async def _count(bucket: "InfluxBucket", tier: RollupTier, before_ns: int) -> Expiring:
    """Count the rollups of each field from before a time."""
    text = await bucket.query(
        f"from(bucket: {quote(tier_bucket(bucket.connection.bucket, tier.every_ns))})\n"
        f"  |> range(start: time(v: {MIN_TIME_NS}), stop: time(v: {before_ns}))\n"
        f"  |> filter(fn: (r) => {OF_COUNTS})\n  |> window(every: {WIDEST_NS}ns)\n  |> count()\n"
        '  |> group(columns: ["_measurement"])\n  |> sum()\n'
    )
    rows = {row.values["_measurement"]: row.values["_value"] for row in parse_rows(text)}
    return Expiring(before_ns, {name: number for name, number in rows.items() if number})
