"""Nothing stored goes because a setting is missing or shorter: tiers stay, and shorter times have a grace."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tsmon.stores import Bin, Selector
from tsmon.stores.retention_policy import GRACE_NS, Narrowing, RetentionPolicy, RetentionStatus
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.retention import confirm, request_drop
from tsmon.stores.sqlite.rollups import Layout
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

NOW = 20_000 * DAY_NS
V = Selector("m", "v")
TIERS = (RollupTier(MINUTE_NS, 2 * DAY_NS), RollupTier(HOUR_NS, 60 * DAY_NS), RollupTier(DAY_NS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tsmon.db"


def history(days: int) -> bytes:
    """A point every six hours, the newest six hours ago."""
    times = range(NOW - days * DAY_NS, NOW, 6 * HOUR_NS)
    return "\n".join(f"m,site={'ab'[number % 2]} v=1 {time_ns}" for number, time_ns in enumerate(times)).encode()


async def count(store: SqliteStore, every_ns: int = DAY_NS) -> int:
    bins = await store.bins(V, start_ns=NOW - 1000 * DAY_NS, stop_ns=NOW, every_ns=every_ns)
    return sum(one.count for one in bins)


def tiers_of(path: Path) -> list[tuple[int, int | None]]:
    with sqlite3.connect(path) as connection:
        return [(tier.every_ns, tier.keep_ns) for tier in Layout.read(connection).tiers]


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        TIERS[:1],
        TIERS[1:],
        (RollupTier(2 * HOUR_NS, 60 * DAY_NS),),
        (RollupTier(7 * MINUTE_NS), RollupTier(7 * HOUR_NS)),
        (RollupTier(HOUR_NS, DAY_NS),),
    ],
    ids=["none", "the narrowest", "the wider", "renamed", "none of them divides another", "shorter"],
)
async def test_rollups_that_alone_have_older_history_stay_whatever_tiers_are_wanted(
    path: Path, tiers: tuple[RollupTier, ...]
) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.write(history(60))
        assert await store.apply_retention(14 * DAY_NS, now_ns=NOW) == 46 * 4
        assert await count(store) == 240
    async with SqliteStore(path, tiers=tiers) as store:
        # What is written and removed meanwhile is in the tiers that nobody named.
        await store.write(f"m,site=a v=1 {NOW - 14 * DAY_NS + 1}\nm,site=c v=1 {NOW - 1}".encode())
        await store.refresh_rollups()
        await store.apply_retention(10 * DAY_NS, now_ns=NOW)
        assert await count(store) == 242
        assert await count(store, HOUR_NS) == 242
    async with SqliteStore(path, tiers=TIERS) as store:
        assert await count(store) == 242
        assert await count(store, HOUR_NS) == 242
    assert set(TIERS) <= {RollupTier(*one) for one in tiers_of(path)}


async def test_a_tier_that_is_new_does_not_hide_what_only_a_wider_one_has(path: Path) -> None:
    async with SqliteStore(path, tiers=(RollupTier(DAY_NS),)) as store:
        await store.write(history(60))
        await store.apply_retention(14 * DAY_NS, now_ns=NOW)
        await store.change_tiers([RollupTier(HOUR_NS), RollupTier(DAY_NS)])
        await store.refresh_rollups()
        kept = {one.every_ns: one.from_ns for one in await store.retention("m")}
        assert kept[HOUR_NS] == kept[0] == NOW - 14 * DAY_NS
        assert kept[DAY_NS] < NOW - 1000 * DAY_NS
        assert await count(store) == 240


async def settle_hourly(store: SqliteStore, wanted: RetentionPolicy, hours: range) -> RetentionStatus:
    for hour in hours:
        found = await store.settle_retention(wanted, now_ns=NOW + hour * HOUR_NS)
    return found


async def test_a_longer_time_is_in_force_at_once_and_a_shorter_one_after_its_grace(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.write(history(60))
        noted = await store.settle_retention(RetentionPolicy(14 * DAY_NS), now_ns=NOW)
        waiting = RetentionStatus(RetentionPolicy(None), (Narrowing("points", None, 14 * DAY_NS, NOW + GRACE_NS),))
        assert noted == waiting
        assert await settle_hourly(store, RetentionPolicy(14 * DAY_NS), range(7 * 24)) == waiting
    async with SqliteStore(path) as store:
        due = await store.settle_retention(RetentionPolicy(14 * DAY_NS), now_ns=NOW + GRACE_NS)
        assert due == RetentionStatus(RetentionPolicy(14 * DAY_NS))
        longer = await store.settle_retention(RetentionPolicy(30 * DAY_NS), now_ns=NOW + GRACE_NS)
        assert longer == RetentionStatus(RetentionPolicy(30 * DAY_NS))


async def test_one_run_with_other_settings_begins_the_grace_again(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.write(history(60))
        await settle_hourly(store, RetentionPolicy(14 * DAY_NS), range(6 * 24))
        await settle_hourly(store, RetentionPolicy(None), range(6 * 24, 6 * 24 + 1))
        found = await settle_hourly(store, RetentionPolicy(14 * DAY_NS), range(6 * 24 + 1, 8 * 24))
        assert found.narrowings[0].due_ns == NOW + 6 * DAY_NS + HOUR_NS + GRACE_NS
        # Another time than the one that was noted is another wish.
        found = await store.settle_retention(RetentionPolicy(13 * DAY_NS), now_ns=NOW + 9 * DAY_NS)
        assert found.narrowings[0].due_ns == NOW + 9 * DAY_NS + GRACE_NS


async def test_a_shorter_time_that_removes_nothing_needs_no_grace(path: Path) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        assert await store.settle_retention(RetentionPolicy(14 * DAY_NS), now_ns=NOW) == RetentionStatus(
            RetentionPolicy(14 * DAY_NS)
        )
        await store.write(history(9))
        await store.refresh_rollups()
        found = await store.settle_retention(RetentionPolicy(10 * DAY_NS), now_ns=NOW)
        assert found == RetentionStatus(RetentionPolicy(10 * DAY_NS))


async def test_a_clock_that_is_behind_the_points_shortens_nothing(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.write(history(9))
        found = await store.settle_retention(RetentionPolicy(DAY_NS), now_ns=NOW - 5_000 * DAY_NS)
        assert found.in_force == RetentionPolicy(None)
        # Neither does a clock that is ahead: its jump is an hour of the grace, whichever way it goes.
        for days in (5_000, -5_000, 5_000, 0):
            found = await store.settle_retention(RetentionPolicy(DAY_NS), now_ns=NOW + days * DAY_NS)
        assert found.narrowings[0].due_ns == NOW + GRACE_NS - 2 * HOUR_NS


async def test_streams_points_and_tiers_have_a_grace_each(path: Path) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.keep_streams([Selector("m", "v", {"site": "a"})])
        await store.write(history(60))
        await store.refresh_rollups()
        await store.change_tiers([RollupTier(HOUR_NS, 30 * DAY_NS), RollupTier(DAY_NS, 60 * DAY_NS)])
        wanted = RetentionPolicy(14 * DAY_NS, 20 * DAY_NS)
        found = await store.settle_retention(wanted, now_ns=NOW)
        assert [(one.subject, one.wanted_ns) for one in found.narrowings] == [
            ("points", 14 * DAY_NS),
            ("streams", 20 * DAY_NS),
            (HOUR_NS, 30 * DAY_NS),
        ]
        assert found.unlisted_tiers == (MINUTE_NS,)
        read = await store.read_retention(wanted)
        assert read is not None
        assert [replace(one, expiring=None) for one in read.narrowings] == list(found.narrowings)
        assert read.streams == [Selector("m", "", {"site": "a"})]
        confirm_all(path, wanted, [RollupTier(HOUR_NS, 30 * DAY_NS)])
        found = await store.settle_retention(wanted, now_ns=NOW)
        assert (found.in_force, found.narrowings) == (wanted, ())
        removed: list[object] = []
        await store.apply_retention(
            14 * DAY_NS, streams_keep_ns=20 * DAY_NS, now_ns=NOW, report=lambda *one: removed.extend(one)
        )
        assert removed == [{"m": 40 * 2 + 46 * 2}, {MINUTE_NS: 58 * 4, HOUR_NS: 30 * 4}]
        assert tiers_of(path) == [
            (MINUTE_NS, 2 * DAY_NS),
            (HOUR_NS, 30 * DAY_NS),
            (DAY_NS, 60 * DAY_NS),
        ]


def confirm_all(path: Path, wanted: RetentionPolicy, tiers: list[RollupTier]) -> None:
    """As a command does beside the agent that has the file open."""
    connection = sqlite3.connect(path, isolation_level=None)
    assert confirm(connection, wanted, tiers, NOW) == 3
    connection.close()


async def test_a_tier_is_removed_on_request_only_and_not_if_it_is_wanted_again(path: Path) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.write(history(9))
        await store.refresh_rollups()

        def request() -> None:
            connection = sqlite3.connect(path, isolation_level=None)
            request_drop(connection, HOUR_NS, NOW)
            connection.close()

        request()
        await store.settle_retention(RetentionPolicy(), now_ns=NOW)
        assert len(tiers_of(path)) == 3
        await store.change_tiers(TIERS[:1])
        request()
        await store.settle_retention(RetentionPolicy(), now_ns=NOW)
        assert [every_ns for every_ns, _ in tiers_of(path)] == [MINUTE_NS, DAY_NS]
        await store.refresh_rollups()
        assert await count(store, HOUR_NS) == 36


async def test_a_file_of_which_nothing_is_noted_has_kept_everything(path: Path) -> None:
    """Written by a program, or by a version without this: its agent's retention begins with a time of grace."""
    async with SqliteStore(path) as store:
        await store.write(history(60))
        read = await store.read_retention(RetentionPolicy(DAY_NS))
        assert read is not None
        assert [replace(one, expiring=None) for one in read.narrowings] == [
            Narrowing("points", None, DAY_NS, None),
        ]


async def test_a_file_of_the_second_version_knows_what_its_series_have_lost(path: Path) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.write(history(60))
        await store.apply_retention(14 * DAY_NS, now_ns=NOW)
    connection = sqlite3.connect(path)
    for table in ("frontiers", "removed", "streams", "terms"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    async with SqliteStore(path, read_only=True) as store:
        assert (await store.retention("m"))[0].from_ns == NOW - 14 * DAY_NS
        read = await store.read_retention(RetentionPolicy(DAY_NS))
        assert read is not None
        assert read.in_force == RetentionPolicy()
    async with SqliteStore(path, tiers=TIERS) as store:
        assert (await store.retention("m"))[0].from_ns == NOW - 14 * DAY_NS
        assert await store.bins(V, start_ns=NOW - 60 * DAY_NS, stop_ns=NOW - 59 * DAY_NS, every_ns=DAY_NS) == [
            Bin(NOW - 60 * DAY_NS, NOW - 60 * DAY_NS, NOW - 59 * DAY_NS - 6 * HOUR_NS, 4)
        ]
