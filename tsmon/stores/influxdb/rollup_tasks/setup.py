"""Buckets and tasks of rollups: which are missing or outdated on a server, and how to correct that."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tsmon.settings.durations import parse_duration
from tsmon.stores.influxdb.queries import condition
from tsmon.stores.influxdb.rollup_tasks.edge_windows import combine_windows
from tsmon.stores.influxdb.rollup_tasks.progress_notes import progress_line
from tsmon.stores.influxdb.rollup_tasks.recompute import STEP_TIMEOUT_S, find_edge, roll_up, split_span
from tsmon.stores.influxdb.rollup_tasks.rollup_flux import is_too_wide, task_flux, task_name, task_prefix
from tsmon.stores.influxdb.rollup_tasks.stored_data import (
    Contents,
    query_contents,
    query_first_time_ns,
    query_measurements,
)
from tsmon.stores.influxdb.rollups.layout import tier_bucket, tier_name
from tsmon.stores.influxdb.rollups.progress import RolledSpan
from tsmon.stores.influxdb.whole_windows import MAX_TIME_NS
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.setup_change import ReportProgress, SetupChange
from tsmon.time_units import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = [
    "find_bucket_changes",
    "find_changes",
    "find_missing_tasks",
    "find_unlisted_tiers",
    "is_too_wide",
    "keep_longer",
]

PAGE: Final = 100
SHARD_WINDOWS: Final = 364

Apply = Callable[[ReportProgress], Awaitable[None]]


async def find_changes(
    bucket: "InfluxBucket", tiers: Sequence[RollupTier], *, shorter: bool = False
) -> list[SetupChange]:
    """The changes after which every measurement is rolled up in every tier; none if all is in order.

    Buckets that keep rollups for longer than their tier stay as they are, unless ``shorter``. So do buckets and
    tasks of tiers that are not named, since they alone may have older history.
    Raises :class:`~tsmon.errors.StoreError`, for example if the token may not read tasks or buckets.
    """
    name_of_bucket = bucket.connection.bucket
    if not shorter:
        tiers = [await keep_longer(bucket, tier) for tier in tiers]
    changes = await find_bucket_changes(bucket, tiers)
    known = await _read_tasks(bucket)
    keep_ns = await bucket.points_keep_ns()
    for measurement in await query_measurements(bucket):
        contents = await query_contents(bucket, measurement)
        for tier in tiers:
            name = task_name(name_of_bucket, measurement, tier.every_ns)
            flux = task_flux(
                name_of_bucket, measurement, contents.numbers, tier.every_ns, tier.keep_ns or 0, keep_ns
            )
            if name not in known:
                if is_too_wide(tier.every_ns, keep_ns):
                    continue
                apply = _create_task(bucket, measurement, contents, tier, flux)
                changes.append(SetupChange(f"create task {name!r}", apply))
            elif known[name]["flux"] != flux:
                apply = _update_task(bucket, measurement, contents, tier, known[name], flux)
                changes.append(SetupChange(f"update task {name!r}", apply))
    return changes


async def find_missing_tasks(
    bucket: "InfluxBucket", tiers: Iterable[RollupTier], measurements: Sequence[str] = ()
) -> list[tuple[str, SetupChange]]:
    """Measurements that are not rolled up in a tier in which others are, each with the change that rolls it up.

    Without ``measurements``, all that are stored. Nothing is missing on a server that has no rollups.
    """
    rolled = {(one.measurement, one.every_ns) for one in await bucket.rollups.all()}
    keep_ns = await bucket.points_keep_ns()
    in_use = [
        tier
        for tier in tiers
        if not is_too_wide(tier.every_ns, keep_ns) and any(every_ns == tier.every_ns for _, every_ns in rolled)
    ]
    if not in_use:
        return []
    tasks = await _read_tasks(bucket)
    missing = []
    for measurement in await query_measurements(bucket):
        if measurements and measurement not in measurements:
            continue
        for tier in in_use:
            name = task_name(bucket.connection.bucket, measurement, tier.every_ns)
            if (measurement, tier.every_ns) not in rolled and name not in tasks:
                contents = await query_contents(bucket, measurement)
                flux = task_flux(
                    bucket.connection.bucket,
                    measurement,
                    contents.numbers,
                    tier.every_ns,
                    tier.keep_ns or 0,
                    keep_ns,
                )
                apply = _create_task(bucket, measurement, contents, tier, flux)
                missing.append((measurement, SetupChange(f"create task {name!r}", apply)))
    return missing


async def keep_longer(bucket: "InfluxBucket", tier: RollupTier) -> RollupTier:
    """The tier, kept for as long as its bucket is now if that is longer."""
    found = await bucket.find_bucket(tier_bucket(bucket.connection.bucket, tier.every_ns))
    if found is None or tier.keep_ns is None:
        return tier
    keep_ns = sum(rule["everySeconds"] for rule in found["retentionRules"]) * SECOND_NS
    return RollupTier(tier.every_ns, keep_ns or None) if not keep_ns or keep_ns > tier.keep_ns else tier


async def find_unlisted_tiers(bucket: "InfluxBucket", tiers: Iterable[RollupTier]) -> list[int]:
    """Widths of the tiers that tasks of the server maintain and that are not named."""
    listed = {tier_name(tier.every_ns) for tier in tiers}
    prefix = task_prefix(bucket.connection.bucket)
    found = {name.removeprefix(prefix).partition(" ")[0] for name in await _read_tasks(bucket)} - listed
    return sorted(every_ns for every_ns in map(_parse_width, found) if every_ns is not None)


def _parse_width(name: str) -> int | None:
    """Inverse of :func:`tier_name`; None for the name of a task of someone else's."""
    if name.endswith("ns") and name[:-2].isdigit():
        return int(name[:-2])
    try:
        return parse_duration(name)
    except ValueError:
        return None


async def find_bucket_changes(bucket: "InfluxBucket", tiers: Iterable[RollupTier]) -> list[SetupChange]:
    """The changes after which every tier has its bucket, with its retention; no bucket for one that is too wide."""
    changes = []
    points_keep_ns = await bucket.points_keep_ns()
    for tier in tiers:
        name = tier_bucket(bucket.connection.bucket, tier.every_ns)
        keep_s = (tier.keep_ns or 0) // SECOND_NS
        rules = [{"type": "expire", "everySeconds": keep_s, "shardGroupDurationSeconds": _shard_s(tier)}]
        retention = f"keep {keep_s // 86_400} days" if keep_s else "keep for ever"
        found = await bucket.find_bucket(name)
        if found is None and is_too_wide(tier.every_ns, points_keep_ns):
            continue
        if found is None:
            body = {"orgID": "", "name": name, "retentionRules": rules}
            apply = _call(bucket, "POST", "/api/v2/buckets", body)
            changes.append(SetupChange(f"create bucket {name!r}, {retention}", apply))
        elif sum(rule["everySeconds"] for rule in found["retentionRules"]) != keep_s:
            apply = _call(bucket, "PATCH", f"/api/v2/buckets/{found['id']}", {"retentionRules": rules})
            changes.append(SetupChange(f"change bucket {name!r}: {retention}", apply))
    return changes


def _shard_s(tier: RollupTier) -> int:
    """Length of a shard in seconds, whole days: some hundred windows, since a query opens each shard of its range.

    The server's default would put ten years of days into five hundred shards.
    """
    days = max(SHARD_WINDOWS * tier.every_ns // DAY_NS, 1)
    return min(days, max((tier.keep_ns or MAX_TIME_NS) // DAY_NS, 1)) * 86_400


async def _read_tasks(bucket: "InfluxBucket") -> dict[str, Any]:
    found: dict[str, Any] = {}
    after: dict[str, str] = {}
    prefix = task_prefix(bucket.connection.bucket)
    while True:
        page = (await bucket.call("GET", "/api/v2/tasks", {"org": "", "limit": str(PAGE), **after}))["tasks"]
        found |= {one["name"]: one for one in page if one["name"].startswith(prefix)}
        if len(page) < PAGE:
            return found
        after = {"after": page[-1]["id"]}


def _call(bucket: "InfluxBucket", method: str, path: str, body: dict[str, Any] | None) -> Apply:
    async def apply(_: ReportProgress) -> None:
        await bucket.call(method, path, {}, body)

    return apply


def _update_task(
    bucket: "InfluxBucket", measurement: str, contents: Contents, tier: RollupTier, known: dict[str, Any], flux: str
) -> Apply:
    """Replace the task's Flux, and compute the means of those fields that the old one did not know."""
    new = [field for field in contents.numbers if condition("_field", field) not in known["flux"]]

    async def apply(report: ReportProgress) -> None:
        await bucket.call("PATCH", f"/api/v2/tasks/{known['id']}", {}, {"flux": flux, "status": "active"})
        first_ns = await query_first_time_ns(bucket, measurement, new) if new else None
        if first_ns is not None:
            bucket.rollups.forget()
            for one in await bucket.rollups.all():
                if (one.measurement, one.every_ns) == (measurement, tier.every_ns):
                    await _roll_up(bucket, one, contents, first_ns, await bucket.points_since_ns(), report)

    return apply


def _create_task(
    bucket: "InfluxBucket", measurement: str, contents: Contents, tier: RollupTier, flux: str
) -> Apply:
    """Roll up the stored points, note how far, and leave the rest to the new task."""

    async def apply(report: ReportProgress) -> None:
        every_ns = tier.every_ns
        stop_ns = time.time_ns() // every_ns * every_ns
        first_ns = await query_first_time_ns(bucket, measurement)
        points_from_ns = await bucket.points_since_ns()
        oldest_ns = max(stop_ns if first_ns is None else first_ns, points_from_ns)
        if tier.keep_ns:
            oldest_ns = max(oldest_ns, stop_ns - tier.keep_ns)
        start_ns = since_ns = min(oldest_ns // every_ns * every_ns, stop_ns)
        for one in await bucket.rollups.all():
            # Its task was deleted, its rollups were not.
            if (one.measurement, one.every_ns) == (measurement, every_ns) and one.until_ns >= start_ns:
                since_ns = min(start_ns, one.since_ns)
        rolled = RolledSpan(measurement, every_ns, since_ns, stop_ns, tier.keep_ns or 0)
        await _roll_up(bucket, rolled, contents, start_ns, points_from_ns, report)
        await bucket.write(progress_line(rolled))
        await bucket.call("POST", "/api/v2/tasks", {}, {"orgID": "", "flux": flux, "status": "active"})
        bucket.rollups.forget()

    return apply


async def _roll_up(
    bucket: "InfluxBucket",
    rolled: RolledSpan,
    contents: Contents,
    start_ns: int,
    points_from_ns: int,
    report: ReportProgress,
) -> None:
    """Roll up everything from a time on, as far as the tier reaches; no window from before ``points_from_ns``."""
    edge = find_edge(rolled, start_ns, rolled.until_ns, points_from_ns)
    if edge is not None:
        await combine_windows(bucket, rolled, contents, *edge, STEP_TIMEOUT_S)
        points_from_ns = edge[1]
    spans = list(split_span(rolled, contents, start_ns, rolled.until_ns, points_from_ns))
    done = 0
    for low_ns, high_ns in spans:
        await roll_up(bucket, rolled, contents, low_ns, high_ns)
        done += high_ns - low_ns
        total = spans[-1][1] - spans[0][0]
        label = f"{tier_name(rolled.every_ns)} {rolled.measurement}"
        report(label, done // rolled.every_ns, total // rolled.every_ns)
