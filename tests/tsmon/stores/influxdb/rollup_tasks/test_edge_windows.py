"""Windows of which the retention of the real server's bucket may have removed points."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import find_changes, progress_line, recompute
from tsmon.stores.influxdb.rollup_tasks.edge_windows import Rollup, combine
from tsmon.stores.influxdb.rollup_tasks.rollup_flux import task_flux
from tsmon.stores.influxdb.rollups import RolledSpan
from tsmon.stores.influxdb.rollups.layout import tier_bucket
from tsmon.stores.retention_policy import RetentionPolicy
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.setup_change import ignore_progress
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from tsmon_agent.upkeep.retention_terms import describe_status

HOUR = 3_600


@pytest.fixture
async def store(influxdb: InfluxDB) -> AsyncIterator[InfluxStore]:
    """A bucket that keeps points for an hour."""
    bucket = influxdb.new_bucket(retention_s=HOUR)
    async with InfluxStore(
        InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    ) as opened:
        yield opened


def width_across_the_edge() -> int:
    """A width whose last window but one began more than an hour ago, and ended some 30 to 45 minutes ago."""
    now_s = time.time_ns() // SECOND_NS
    every_s = min(range(1_820, 2_700), key=lambda width: now_s % width)
    return every_s * SECOND_NS


async def set_up(store: InfluxStore, every_ns: int) -> tuple[int, str]:
    """End of what is rolled up then, and the task's Flux."""
    changes = await find_changes(store, [RollupTier(every_ns)])
    for change in changes:
        await change.apply(ignore_progress)
    tasks = await store.call("GET", "/api/v2/tasks", {"org": "", "limit": "500"})
    name = f"tsmon rollups of {store.connection.bucket}: "
    [flux] = [one["flux"] for one in tasks["tasks"] if one["name"].startswith(name)]
    store.rollups.forget()
    [rolled] = await store.rollups.all()
    return rolled.until_ns, flux


async def read_counts(store: InfluxStore, every_ns: int) -> dict[tuple[str, int], int]:
    connection = store.connection
    tier = InfluxConnection(
        url=connection.url,
        org=connection.org,
        bucket=tier_bucket(connection.bucket, every_ns),
        token=connection.token,
    )
    async with InfluxStore(tier) as rollups:
        now_ns = time.time_ns()
        found = await rollups.values(Selector("m", "v:count"), start_ns=now_ns - DAY_NS, stop_ns=now_ns)
    return {
        (one.tags.get("s", ""), time_ns): value
        for one in found
        for time_ns, value in zip(one.times_ns, one.values, strict=True)
    }


async def write_rollup(store: InfluxStore, every_ns: int, series: str, at_ns: int, last_ns: int) -> None:
    """A rollup of 999 points, most of which have expired since."""
    line = f"m,s={series} v:count=999i,v:first={at_ns + 1}i,v:last={last_ns}i,v:mean=4 {at_ns}"
    await store.write_rollups(tier_bucket(store.connection.bucket, every_ns), line.encode())


async def test_a_task_never_makes_a_window_smaller_and_rolls_up_new_ones(store: InfluxStore) -> None:
    every_ns = width_across_the_edge()
    stop_ns = time.time_ns() // every_ns * every_ns
    edge_ns, whole_ns = stop_ns - 2 * every_ns, stop_ns - every_ns
    await store.write(f"m,s=a v=1 {whole_ns - SECOND_NS}\nm,s=a v=1 {whole_ns + SECOND_NS}".encode())
    _, flux = await set_up(store, every_ns)
    await write_rollup(store, every_ns, "a", edge_ns, whole_ns - SECOND_NS)
    await store.write(f"m,s=a v=1 {whole_ns + 2 * SECOND_NS}".encode())
    await store.query(flux)
    assert await read_counts(store, every_ns) == {("a", edge_ns): 999, ("a", whole_ns): 2}
    # A window that no run has computed is rolled up from what is left of it.
    await store.write(progress_line(RolledSpan("m", every_ns, edge_ns - 9 * every_ns, edge_ns)))
    await store.query(flux)
    assert await read_counts(store, every_ns) == {("a", edge_ns): 1, ("a", whole_ns): 2}
    store.rollups.forget()
    [rolled] = await store.rollups.all()
    assert (rolled.since_ns, rolled.until_ns) == (edge_ns - 9 * every_ns, stop_ns)


async def test_a_window_across_the_edge_is_combined_for_each_series(store: InfluxStore) -> None:
    every_ns = width_across_the_edge()
    stop_ns = time.time_ns() // every_ns * every_ns
    edge_ns, whole_ns = stop_ns - 2 * every_ns, stop_ns - every_ns
    await store.write(f"m,s=a v=1 {whole_ns - 5 * SECOND_NS}\nm,s=a v=1 {whole_ns + SECOND_NS}".encode())
    await set_up(store, every_ns)
    assert await read_counts(store, every_ns) == {("a", edge_ns): 1, ("a", whole_ns): 1}
    await write_rollup(store, every_ns, "a", edge_ns, whole_ns - 5 * SECOND_NS)
    await write_rollup(store, every_ns, "later", edge_ns, whole_ns - 9 * SECOND_NS)
    history = [
        *(f"m,s=new\\ one v={n} {whole_ns - n * SECOND_NS}" for n in range(-3, 8)),
        *(f"m,s=later v=9 {whole_ns - n * SECOND_NS}" for n in range(1, 5)),
    ]
    async with store.backfill():
        await store.write("\n".join(history).encode())
    expected = {
        ("a", edge_ns): 999,
        ("a", whole_ns): 1,
        ("later", edge_ns): 1003,
        ("new one", edge_ns): 7,
        ("new one", whole_ns): 4,
    }
    assert await read_counts(store, every_ns) == expected
    selector, span = Selector("m", "v", {"s": "new one"}), {"start_ns": edge_ns, "stop_ns": stop_ns}
    [first, _] = await store.bins(selector, **span, every_ns=every_ns)
    assert (first.first_ns, first.last_ns) == (whole_ns - 7 * SECOND_NS, whole_ns - SECOND_NS)
    [means] = await store.series(selector, **span, every_ns=every_ns)
    assert means.values == [4.0, -1.5]
    await recompute(store, "m", 0, time.time_ns())
    await store.rebuild_rollups()
    assert await read_counts(store, every_ns) == expected


async def test_the_embedded_store_says_the_same_of_an_import_across_the_edge(
    store: InfluxStore, tmp_path: Path
) -> None:
    every_ns = width_across_the_edge()
    now_ns = time.time_ns()
    stop_ns = now_ns // every_ns * every_ns
    times = range(now_ns - 58 * MINUTE_NS, now_ns, 17 * SECOND_NS)
    agent = "\n".join(f"m,s=a v=1 {time_ns}" for time_ns in times)
    history = "\n".join(f"m,s=b v={n} {time_ns + 1}" for n, time_ns in enumerate(times))
    found = []
    async with SqliteStore(tmp_path / "tsmon.db", tiers=[RollupTier(every_ns)]) as embedded:
        for one in (store, embedded):
            await one.write(agent.encode())
            if isinstance(one, InfluxStore):
                await set_up(one, every_ns)
            else:
                await one.apply_retention(HOUR_NS, now_ns=now_ns)
            async with one.backfill():
                await one.write(history.encode())
            await one.refresh_rollups()
            span = {"start_ns": stop_ns - 3 * every_ns, "stop_ns": stop_ns, "every_ns": every_ns}
            found.append([await one.bins(Selector("m", "v", {"s": name}), **span) for name in "ab"])
    assert found[0] == found[1]
    assert [len(bins) for bins in found[0]] == [2, 2]


async def test_the_scheduler_runs_a_task_that_knows_the_retention_of_the_points(store: InfluxStore) -> None:
    await store.write(b"m v=1 %d" % (time.time_ns() - 3 * SECOND_NS))
    until_ns, flux = await set_up(store, SECOND_NS)
    assert "system.time()" in flux
    tasks = await store.call("GET", "/api/v2/tasks", {"org": "", "limit": "500"})
    name = f"tsmon rollups of {store.connection.bucket}: 1s m"
    [task] = [one["id"] for one in tasks["tasks"] if one["name"] == name]

    async def reach() -> int:
        await store.write(b"m v=1 %d" % (time.time_ns() - SECOND_NS))
        await store.call("POST", f"/api/v2/tasks/{task}/runs", {}, {})
        store.rollups.forget()
        [rolled] = await store.rollups.all()
        return rolled.until_ns

    deadline = time.monotonic() + 30
    while await reach() <= until_ns:
        assert time.monotonic() < deadline


async def test_a_tier_wider_than_the_retention_is_not_set_up(store: InfluxStore) -> None:
    tiers = (RollupTier(15 * MINUTE_NS), RollupTier(HOUR_NS), RollupTier(DAY_NS))
    now_ns = time.time_ns()
    await store.write("\n".join(f"m v=1 {now_ns - n * MINUTE_NS}" for n in range(55)).encode())
    await store.change_tiers(tiers)
    for change in await store.setup_changes():
        await change.apply(ignore_progress)
    store.rollups.forget()
    assert [one.every_ns for one in await store.rollups.all()] == [15 * MINUTE_NS]
    assert await store.find_bucket(f"{store.connection.bucket}_1d") is None
    assert await store.setup_changes() == []
    status = await store.read_retention(RetentionPolicy())
    assert status is not None
    assert describe_status(status, on_server=True) == [
        f"rollups.tiers: rollups of {width} are not set up, because points are kept for 1h, so some would expire "
        "before their window ends; keep the points for longer in their bucket, or remove the tier"
        for width in ("1h", "1d")
    ]
    await store.rebuild_rollups()
    found = await store.bins(
        Selector("m", "v"), start_ns=now_ns - DAY_NS, stop_ns=now_ns + 1, every_ns=15 * MINUTE_NS
    )
    assert sum(one.count for one in found) == 55


async def test_a_task_that_was_deleted_and_created_again_hides_and_loses_no_rollups(store: InfluxStore) -> None:
    every_ns = width_across_the_edge()
    stop_ns = time.time_ns() // every_ns * every_ns
    edge_ns, whole_ns = stop_ns - 2 * every_ns, stop_ns - every_ns
    await store.write(f"m,s=a v=1 {whole_ns - SECOND_NS}\nm,s=a v=1 {whole_ns + SECOND_NS}".encode())
    await set_up(store, every_ns)
    await store.write(progress_line(RolledSpan("m", every_ns, edge_ns - 9 * every_ns, stop_ns)))
    await write_rollup(store, every_ns, "a", edge_ns - 5 * every_ns, edge_ns - 5 * every_ns + 9)
    await write_rollup(store, every_ns, "a", edge_ns, whole_ns - SECOND_NS)
    tasks = await store.call("GET", "/api/v2/tasks", {"org": "", "limit": "500"})
    name = f"tsmon rollups of {store.connection.bucket}: "
    [mine] = [one["id"] for one in tasks["tasks"] if one["name"].startswith(name)]
    await store.call("DELETE", f"/api/v2/tasks/{mine}", {})
    store.rollups.forget()
    await set_up(store, every_ns)
    [rolled] = await store.rollups.all()
    assert rolled.since_ns == edge_ns - 9 * every_ns
    found = await store.bins(Selector("m", "v"), start_ns=rolled.since_ns, stop_ns=stop_ns, every_ns=every_ns)
    assert [one.count for one in found] == [999, 999, 1]


async def test_a_task_wider_than_the_retention_that_is_there_computes_a_window_once(store: InfluxStore) -> None:
    """As after the retention of the bucket was made shorter."""
    every_ns = 2 * HOUR_NS
    now_ns = time.time_ns()
    stop_ns = now_ns // every_ns * every_ns
    bucket = store.connection.bucket
    await store.write(b"m v=1 %d" % (now_ns - MINUTE_NS))
    body = {"orgID": "", "name": tier_bucket(bucket, every_ns), "retentionRules": []}
    await store.call("POST", "/api/v2/buckets", {}, body)
    await store.write(progress_line(RolledSpan("m", every_ns, 0, stop_ns - every_ns)))
    await store.query(task_flux(bucket, "m", ["v"], every_ns, 0, HOUR_NS))
    store.rollups.forget()
    [rolled] = await store.rollups.all()
    assert (rolled.since_ns, rolled.until_ns) == (0, stop_ns)


def test_a_task_of_points_that_are_kept_for_ever_knows_no_edge() -> None:
    assert "system" not in task_flux("b", "m", ["v"], HOUR_NS, 0)


@pytest.mark.parametrize(
    ("stored", "present", "expected"),
    [
        (None, Rollup(1, 5, 5, 2.0), Rollup(1, 5, 5, 2.0)),
        (Rollup(9, 1, 9, 1.0), Rollup(3, 6, 9, 4.0), Rollup(9, 1, 9, 1.0)),
        (Rollup(9, 1, 9, 1.0), Rollup(9, 1, 9, 4.0), Rollup(9, 1, 9, 4.0)),
        (Rollup(2, 5, 9, 1.0), Rollup(3, 6, 12, 4.0), Rollup(3, 5, 12, 4.0)),
        (Rollup(3, 1, 5, 1.0), Rollup(1, 6, 6, 5.0), Rollup(4, 1, 6, 2.0)),
        (Rollup(3, 7, 9), Rollup(1, 6, 6), Rollup(4, 6, 9)),
        (Rollup(3, 1, 9), Rollup(1, 6, 6, 2.0), Rollup(3, 1, 9, 2.0)),
    ],
)
def test_combining_never_makes_a_rollup_smaller(stored: Rollup | None, present: Rollup, expected: Rollup) -> None:
    assert combine(stored, present) == expected
