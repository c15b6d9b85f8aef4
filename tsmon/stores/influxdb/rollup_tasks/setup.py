"""Buckets and tasks of rollups: what is missing or out of date on a server, and how it is mended."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tsmon.stores.influxdb.annotated_csv import rows
from tsmon.stores.influxdb.queries import MAX_TIME_NS, MIN_TIME_NS, condition, quote
from tsmon.stores.influxdb.rollup_tasks.recompute import (
    Contents,
    contents_of,
    first_time_ns,
    progress_line,
    roll_up,
    spans_of,
)
from tsmon.stores.influxdb.rollup_tasks.tasks import task, task_name, task_prefix
from tsmon.stores.influxdb.rollups.layout import PROGRESS, tier_bucket, tier_name
from tsmon.stores.influxdb.rollups.progress import RolledSpan
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.time_units import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.store import InfluxStore

__all__ = ["Change", "changes_needed", "measurements"]

PAGE: Final = 100
WINDOWS_IN_SHARD: Final = 364

Progress = Callable[[str, int, int], None]
"""Told what is being rolled up, how many of its windows are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is to be done, in words, and how it is done."""

    text: str
    apply: Callable[[Progress], Awaitable[None]]


async def changes_needed(store: "InfluxStore", tiers: Sequence[RollupTier]) -> list[Change]:
    """What must be done so that every measurement is rolled up in every tier; none where all is as it should be.

    Raises :class:`~tsmon.errors.StoreError`, also where the token may not look.
    """
    changes = await _buckets(store, tiers)
    known = await _tasks(store)
    found = await measurements(store)
    wanted = {}
    for measurement in found:
        contents = await contents_of(store, measurement)
        for tier in tiers:
            name = task_name(store.connection.bucket, measurement, tier.every_ns)
            text = task(store.connection.bucket, measurement, contents.numbers, tier.every_ns, tier.keep_ns or 0)
            wanted[name] = text
            if name not in known:
                changes.append(Change(f"create task {name!r}", _creates(store, measurement, contents, tier, text)))
            elif known[name]["flux"] != text:
                apply = _updates(store, measurement, contents, tier, known[name], text)
                changes.append(Change(f"update task {name!r}", apply))
    widths = {tier_name(tier.every_ns) for tier in tiers}
    for name, one in known.items():
        # The task of a measurement without points goes on: it costs nothing, and points may come again.
        width = name.removeprefix(task_prefix(store.connection.bucket)).partition(" ")[0]
        if name not in wanted and width not in widths:
            changes.append(Change(f"delete task {name!r}; its rollups stay", _deletes(store, one["id"])))
    return changes


async def measurements(store: "InfluxStore") -> list[str]:
    """Names of all measurements but that of the rollups' own state."""
    text = await store.query(
        'import "influxdata/influxdb/schema"\n\n'
        f"schema.measurements(bucket: {quote(store.connection.bucket)}, start: time(v: {MIN_TIME_NS}))\n"
    )
    return sorted(row.values["_value"] for row in rows(text) if row.values["_value"] != PROGRESS)


async def _buckets(store: "InfluxStore", tiers: Iterable[RollupTier]) -> list[Change]:
    changes = []
    for tier in tiers:
        name = tier_bucket(store.connection.bucket, tier.every_ns)
        keep_s = (tier.keep_ns or 0) // SECOND_NS
        rules = [{"type": "expire", "everySeconds": keep_s, "shardGroupDurationSeconds": _shard_s(tier)}]
        kept = f"keep {keep_s // 86_400} days" if keep_s else "keep for ever"
        found = await store.bucket(name)
        if found is None:
            body = {"orgID": "", "name": name, "retentionRules": rules}
            changes.append(
                Change(f"create bucket {name!r}, {kept}", _calls(store, "POST", "/api/v2/buckets", body))
            )
        elif sum(rule["everySeconds"] for rule in found["retentionRules"]) != keep_s:
            path = f"/api/v2/buckets/{found['id']}"
            changes.append(
                Change(f"change bucket {name!r}: {kept}", _calls(store, "PATCH", path, {"retentionRules": rules}))
            )
    return changes


def _shard_s(tier: RollupTier) -> int:
    """Length in seconds of a shard, whole days: some hundred windows, since each shard of a range is opened.

    By default ten years of days would lie in five hundred of them.
    """
    days = max(WINDOWS_IN_SHARD * tier.every_ns // DAY_NS, 1)
    return min(days, max((tier.keep_ns or MAX_TIME_NS) // DAY_NS, 1)) * 86_400


async def _tasks(store: "InfluxStore") -> dict[str, Any]:
    found: dict[str, Any] = {}
    after: dict[str, str] = {}
    while True:
        page = (await store.call("GET", "/api/v2/tasks", {"org": "", "limit": str(PAGE), **after}))["tasks"]
        prefix = task_prefix(store.connection.bucket)
        found |= {one["name"]: one for one in page if one["name"].startswith(prefix)}
        if len(page) < PAGE:
            return found
        after = {"after": page[-1]["id"]}


def _calls(
    store: "InfluxStore", method: str, path: str, body: dict[str, Any] | None
) -> Callable[[Progress], Awaitable[None]]:
    async def apply(_: Progress) -> None:
        await store.call(method, path, {}, body)

    return apply


def _updates(
    store: "InfluxStore", measurement: str, contents: Contents, tier: RollupTier, known: dict[str, Any], text: str
) -> Callable[[Progress], Awaitable[None]]:
    """Exchange the task's text, and make the means of numbers that the old one did not know."""
    new = [field for field in contents.numbers if condition("_field", field) not in known["flux"]]

    async def apply(progress: Progress) -> None:
        await store.call("PATCH", f"/api/v2/tasks/{known['id']}", {}, {"flux": text, "status": "active"})
        first_ns = await first_time_ns(store, measurement, new) if new else None
        if first_ns is not None:
            store.rollups.forget()
            for one in await store.rollups.all():
                if (one.measurement, one.every_ns) == (measurement, tier.every_ns):
                    await _roll_up(store, one, contents, first_ns, await store.points_since_ns(), progress)

    return apply


async def _roll_up(
    store: "InfluxStore",
    rolled: RolledSpan,
    contents: Contents,
    start_ns: int,
    raw_from_ns: int,
    progress: Progress,
) -> None:
    """All from a time on, as far as it is rolled up; no window that begins before ``raw_from_ns``."""
    spans = list(spans_of(rolled, contents, start_ns, rolled.until_ns, raw_from_ns))
    done = 0
    for low_ns, high_ns in spans:
        await roll_up(store, rolled, contents, low_ns, high_ns)
        done += high_ns - low_ns
        whole = spans[-1][1] - spans[0][0]
        label = f"{tier_name(rolled.every_ns)} {rolled.measurement}"
        progress(label, done // rolled.every_ns, whole // rolled.every_ns)


def _deletes(store: "InfluxStore", id_: str) -> Callable[[Progress], Awaitable[None]]:
    return _calls(store, "DELETE", f"/api/v2/tasks/{id_}", None)


def _creates(
    store: "InfluxStore", measurement: str, contents: Contents, tier: RollupTier, text: str
) -> Callable[[Progress], Awaitable[None]]:
    """Roll up what is there, note how far, and leave the rest to the task."""

    async def apply(progress: Progress) -> None:
        every_ns = tier.every_ns
        stop_ns = time.time_ns() // every_ns * every_ns
        first_ns = await first_time_ns(store, measurement)
        oldest_ns = max(stop_ns if first_ns is None else first_ns, await store.points_since_ns())
        if tier.keep_ns:
            oldest_ns = max(oldest_ns, stop_ns - tier.keep_ns)
        since_ns = min(oldest_ns // every_ns * every_ns, stop_ns)
        rolled = RolledSpan(measurement, every_ns, since_ns, stop_ns, tier.keep_ns or 0)
        await _roll_up(store, rolled, contents, since_ns, MIN_TIME_NS, progress)
        await store.write(progress_line(rolled))
        await store.call("POST", "/api/v2/tasks", {}, {"orgID": "", "flux": text, "status": "active"})
        store.rollups.forget()

    return apply
