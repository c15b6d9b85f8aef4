"""History that is imported across the edge of retention, into a file in which an agent has run."""

from pathlib import Path

import pytest

from tsmon.availability import Deployment, compute_availability, query_availability
from tsmon.stores import Selector
from tsmon.stores.rollup_tiers import DEFAULT_TIERS, RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

KEEP_NS = 14 * DAY_NS
V = Selector("ctd", "v")


@pytest.mark.parametrize(
    ("step_s", "phase_s", "tiers"),
    [
        (900, 0, DEFAULT_TIERS),
        (300, 450, DEFAULT_TIERS),
        (1_800, 3_000, DEFAULT_TIERS),
        (3_600, 40_000, DEFAULT_TIERS),
        (900, 17, (RollupTier(30 * DAY_NS),)),
        (900, 17, (RollupTier(HOUR_NS, 40 * DAY_NS), RollupTier(30 * DAY_NS))),
    ],
)
async def test_an_import_beyond_the_edge_of_retention_loses_no_window(
    tmp_path: Path, step_s: int, phase_s: int, tiers: tuple[RollupTier, ...]
) -> None:
    now_ns = (1_780_000_000 + phase_s) * SECOND_NS
    times = list(range(now_ns - 50 * DAY_NS + 1, now_ns, step_s * SECOND_NS))
    deployments = [Deployment(1, times[0], now_ns)]
    expected = compute_availability(times, deployments, name="ctd", now_ns=now_ns)
    async with SqliteStore(tmp_path / "tsmon.db", tiers=tiers) as store:
        await store.write(f"cpu v=1 {now_ns - KEEP_NS - 1}\ncpu v=1 {now_ns}".encode())
        await store.apply_retention(KEEP_NS, now_ns=now_ns)
        async with store.backfill():
            await store.write("\n".join(f"ctd v=1 {time_ns}" for time_ns in times).encode())
        for minutes in (0, 10, 600):
            await store.refresh_rollups()
            await store.apply_retention(KEEP_NS, now_ns=now_ns + minutes * MINUTE_NS)
            [count] = await store.counts(V, start_ns=-(2**63), stop_ns=2**63 - 1)
            assert count.count == len(times)
            found = await query_availability(store, V, deployments, now_ns=now_ns)
            assert [one.category for one in found.intervals] == [one.category for one in expected.intervals]
            assert sum(one.count for one in found.intervals) >= sum(one.count for one in expected.intervals)


async def test_the_year_after_the_one_before_goes_into_the_day_that_they_share(tmp_path: Path) -> None:
    """Both files end and begin in the middle of a day; points of the first are gone when the second comes."""
    now_ns = 1_780_000_000 * SECOND_NS
    noon_ns = (now_ns - 500 * DAY_NS) // DAY_NS * DAY_NS + DAY_NS // 2
    async with SqliteStore(tmp_path / "tsmon.db", tiers=DEFAULT_TIERS) as store:
        for low_ns, high_ns in ((noon_ns - 3 * DAY_NS, noon_ns), (noon_ns, noon_ns + 3 * DAY_NS)) * 2:
            for start_ns in range(low_ns, high_ns, 5 * HOUR_NS):
                times = range(start_ns, min(start_ns + 5 * HOUR_NS, high_ns), 10 * MINUTE_NS)
                await store.write("\n".join(f"ctd v=1 {time_ns}" for time_ns in times).encode())
            await store.apply_retention(KEEP_NS, now_ns=now_ns)
        bins = await store.bins(V, start_ns=noon_ns - 4 * DAY_NS, stop_ns=noon_ns + 4 * DAY_NS, every_ns=DAY_NS)
    assert [one.count for one in bins] == [72, 144, 144, 144, 144, 144, 72]


async def test_a_column_that_comes_later_takes_nothing_from_those_that_are_there(tmp_path: Path) -> None:
    now_ns = 1_780_000_000 * SECOND_NS
    times = range(now_ns - 20 * DAY_NS, now_ns - 18 * DAY_NS, HOUR_NS)
    async with SqliteStore(tmp_path / "tsmon.db", tiers=DEFAULT_TIERS) as store:
        for field in ("v=1", "salinity=35", "v=2"):
            await store.write("\n".join(f"ctd {field} {time_ns}" for time_ns in times).encode())
            await store.apply_retention(KEEP_NS, now_ns=now_ns)
        for field, mean in (("v", 2.0), ("salinity", 35.0)):
            selector = Selector("ctd", field)
            [count] = await store.counts(selector, start_ns=0, stop_ns=now_ns)
            [means] = await store.series(selector, start_ns=0, stop_ns=now_ns // DAY_NS * DAY_NS, every_ns=DAY_NS)
            assert (count.count, set(means.values)) == (48, {mean})
