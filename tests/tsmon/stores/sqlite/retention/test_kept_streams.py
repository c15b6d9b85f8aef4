"""Series of expected streams have a retention of their own, which the file remembers."""

from pathlib import Path

import pytest

from tsmon.stores import Selector
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.retention import KeptStreams
from tsmon.time_units import DAY_NS, HOUR_NS

S = 1_000_000_000
NOW = 20_000 * DAY_NS
ALWAYS = {"start_ns": -(2**63), "stop_ns": 2**63 - 1}


@pytest.mark.parametrize(
    ("measurement", "tags", "is_kept"),
    [
        ("ctd", {"site": "a", "depth": "10"}, True),
        ("ctd", {"depth": "10", "site": "a", "more": "x"}, True),
        ("ctd", {"site": "a"}, False),
        ("ctd", {"site": "b", "depth": "10"}, False),
        ("met", {}, True),
        ("met", {"site": "b"}, True),
        ("cpu", {"site": "a", "depth": "10"}, False),
    ],
)
def test_a_stream_selects_every_series_that_has_its_tags(
    measurement: str, tags: dict[str, str], is_kept: bool
) -> None:
    kept = KeptStreams([("ctd", '[["depth","10"],["site","a"]]'), ("ctd", '[["site","c"]]'), ("met", "[]")])
    assert kept.have(measurement, tags) == is_kept


async def test_streams_are_kept_when_others_expire_also_by_a_store_that_was_not_told(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    lines = [
        f"{series} v=1,w=2i {NOW - days * DAY_NS}"
        for series in ("ctd,site=a", "ctd,site=b", "cpu,host=x", "met")
        for days in (4000, 100, 20, 1)
    ]
    tiers = (RollupTier(HOUR_NS, 2 * DAY_NS), RollupTier(DAY_NS, 30 * DAY_NS))
    async with SqliteStore(path, tiers=tiers) as store:
        await store.write("\n".join(lines).encode())
        await store.keep_streams([Selector("ctd", "v", {"site": "a"}), Selector("met", "nothing")])
        await store.keep_streams([])
        assert await store.apply_retention(14 * DAY_NS, now_ns=NOW) == 6
        assert (await store.retention("ctd", {"site": "a"}))[0].from_ns == -(2**63)
        assert (await store.retention("ctd"))[0].from_ns == NOW - 14 * DAY_NS
    async with SqliteStore(path, tiers=tiers) as store:
        assert await store.apply_retention(10 * DAY_NS, now_ns=NOW) == 0
        counts = {
            (one, found.tags.get("site")): found.count
            for one in ("ctd", "cpu", "met")
            for found in await store.counts(Selector(one, "w"), **ALWAYS)
        }
        # One that has expired is in a rollup of the widest tier.
        assert counts == {("ctd", "a"): 4, ("ctd", "b"): 2, ("cpu", None): 2, ("met", None): 4}
        # A late point is as exact as the others, since nothing before it is lost.
        await store.write(f"ctd,site=a v=1,w=2i {NOW - 200 * DAY_NS}".encode())
        await store.refresh_rollups()
        bins = await store.bins(Selector("ctd", "v", {"site": "a"}), **ALWAYS, every_ns=HOUR_NS)
        assert [(NOW - one.first_ns) // DAY_NS for one in bins] == [4000, 200, 100, 20, 1]


async def test_a_series_that_begins_to_be_a_streams_keeps_what_is_left(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db", tiers=(RollupTier(HOUR_NS),)) as store:
        await store.write("\n".join(f"m v=1 {NOW - day * DAY_NS}" for day in range(20)).encode())
        assert await store.apply_retention(10 * DAY_NS, now_ns=NOW) == 9
        await store.keep_streams([Selector("m", "v")])
        assert await store.apply_retention(DAY_NS, now_ns=NOW + DAY_NS) == 0
        [points, _] = await store.retention("m")
        assert points.from_ns == NOW - 10 * DAY_NS
        assert await store.apply_retention(DAY_NS, streams_keep_ns=5 * DAY_NS, now_ns=NOW) == 5
        bins = await store.bins(Selector("m", "v"), **ALWAYS, every_ns=HOUR_NS)
        assert len(bins) == 20
