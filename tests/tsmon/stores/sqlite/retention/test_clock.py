"""A system clock that jumps removes nothing, and what it has set comes back."""

import logging
import sqlite3
from pathlib import Path

import pytest

from tsmon.availability import Deployment, compute_availability, query_availability
from tsmon.stores import Selector, Store
from tsmon.stores.memory import MemoryStore
from tsmon.stores.retention_clock import ClockReading
from tsmon.stores.retention_policy import RetentionPolicy
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore, database
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

NOW = 1_780_000_000 * SECOND_NS
KEEP = 14 * DAY_NS
V = Selector("m", "v")
ALWAYS = {"start_ns": -(2**63) + 2, "stop_ns": 2**63 - 1}


class Clocks:
    """What the stores read: time passes only by :meth:`run`, and anybody may set the system's clock."""

    def __init__(self) -> None:
        self.real_ns = NOW
        self.ahead_ns = 0
        self.boot = "first"

    def __call__(self) -> ClockReading:
        return ClockReading(self.real_ns + self.ahead_ns, self.real_ns, self.boot)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    for module in ("sqlite.store", "memory"):
        monkeypatch.setattr(f"tsmon.stores.{module}.read_clocks", made)
    return made


@pytest.fixture(params=["sqlite", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "tsmon.db", tiers=DEFAULT_TIERS)


def history(start_ns: int, stop_ns: int, step_ns: int = 10 * MINUTE_NS) -> bytes:
    return "\n".join(f"m v=1 {time_ns}" for time_ns in range(start_ns, stop_ns, step_ns)).encode()


async def count(store: Store) -> int:
    return sum(len(one.values) for one in await store.values(V, **ALWAYS))


@pytest.mark.parametrize("days", [30, 400, 30_000])
async def test_a_clock_that_is_ahead_for_seconds_removes_nothing(
    opened: Store, clocks: Clocks, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened as store:
        await store.write(history(NOW - 13 * DAY_NS, NOW))
        before = await count(store)
        assert await store.apply_retention(KEEP) == 0
        clocks.real_ns += 5 * SECOND_NS
        clocks.ahead_ns = days * DAY_NS
        assert await store.apply_retention(KEEP) == 0
        [message] = caplog.messages
        assert f"{days} days, 0:00:00 ahead of the time that has passed" in message
        clocks.real_ns += 5 * SECOND_NS
        clocks.ahead_ns = 0
        assert await store.apply_retention(KEEP) == 0
        assert await count(store) == before
        # Real time goes on, and so does retention.
        clocks.real_ns += 2 * DAY_NS
        assert await store.apply_retention(KEEP) == pytest.approx(144, abs=1)


async def test_a_new_time_that_lasts_a_day_removes(opened: Store, clocks: Clocks) -> None:
    async with opened as store:
        await store.write(history(NOW - 13 * DAY_NS, NOW))
        await store.apply_retention(KEEP)
        clocks.ahead_ns = 30 * DAY_NS
        removed = []
        for _ in range(25):
            clocks.real_ns += HOUR_NS
            removed.append(await store.apply_retention(KEEP))
        assert removed[0] == removed[23] == 0
        assert removed[24] == 13 * 144


async def test_a_new_time_that_is_confirmed_removes_at_once(tmp_path: Path, clocks: Clocks) -> None:
    async with SqliteStore(tmp_path / "tsmon.db", tiers=DEFAULT_TIERS) as store:
        await store.write(history(NOW - 13 * DAY_NS, NOW))
        await store.apply_retention(KEEP)
        assert not await store.confirm_clock()
        clocks.ahead_ns = 30 * DAY_NS
        assert await store.apply_retention(KEEP) == 0
        # Another process confirms it.
        assert await SqliteStore(tmp_path / "tsmon.db").confirm_clock()
        assert await store.apply_retention(KEEP) == 13 * 144


async def test_the_file_remembers_the_time_and_so_does_its_grace(
    tmp_path: Path, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path, tiers=DEFAULT_TIERS) as store:
        await store.write(history(NOW - 100 * DAY_NS, NOW, HOUR_NS))
        await store.settle_retention(RetentionPolicy(None, None))
        await store.settle_retention(RetentionPolicy(KEEP, KEEP))
    clocks.boot, clocks.ahead_ns = "second", 400 * DAY_NS
    caplog.clear()
    async with SqliteStore(path, tiers=DEFAULT_TIERS) as store:
        status = await store.settle_retention(RetentionPolicy(KEEP, KEEP))
        assert [one.subject for one in status.narrowings] == ["points"]
        assert await store.apply_retention(90 * DAY_NS) <= 10 * 24
        assert await count(store) >= 90 * 24
    assert [one for one in caplog.messages if "while the machine ran" in one]


async def test_frontiers_that_a_clock_ahead_has_set_come_back(tmp_path: Path) -> None:
    """As a clock does that was ahead for longer than a day, or an earlier version."""
    path = tmp_path / "tsmon.db"
    later = NOW + 3 * DAY_NS
    times = range(NOW + MINUTE_NS, later, MINUTE_NS)
    async with SqliteStore(path, tiers=DEFAULT_TIERS) as store:
        await store.write(history(NOW - 20 * DAY_NS, NOW))
        await store.apply_retention(KEEP, now_ns=NOW + 60 * DAY_NS)
        assert await count(store) == 0
        await store.write("\n".join(f"m v=1 {time_ns}" for time_ns in times).encode())
        await store.apply_retention(KEEP, now_ns=later)
        await store.refresh_rollups()
        kept = {one.every_ns: one.from_ns for one in await store.retention("m")}
        assert kept[0] <= NOW
        assert kept[MINUTE_NS] == (later - 2 * DAY_NS) // MINUTE_NS * MINUTE_NS
        assert kept[15 * MINUTE_NS] <= NOW + 15 * MINUTE_NS
        deployments = [Deployment(1, NOW + MINUTE_NS, later)]
        found = await query_availability(store, V, deployments, now_ns=later)
        expected = compute_availability(times, deployments, name="m", now_ns=later)
        assert found.intervals == expected.intervals
        [days] = await store.counts(V, start_ns=NOW - 30 * DAY_NS, stop_ns=later)
        assert days.count == 20 * 144 + len(times)
    connection = sqlite3.connect(path)
    [rows] = connection.execute("SELECT sum(count) FROM m1_r1").fetchone()
    connection.close()
    assert rows >= 2 * 1_440 - 1


@pytest.mark.parametrize("is_observed", [False, True])
async def test_a_damaged_file_hands_its_time_on(
    tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch, is_observed: bool
) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path, tiers=DEFAULT_TIERS) as store:
        await store.write(history(NOW - 13 * DAY_NS, NOW))
        await store.apply_retention(KEEP)
        before = await count(store)
    with path.open("r+b") as file:
        file.write(bytes(100))
    clocks.boot, clocks.ahead_ns = "second", 400 * DAY_NS
    if is_observed:  # while the pages of a large file are searched
        monkeypatch.setattr(database, "FIRST_RECOVERY_S", 0.0)
    async with SqliteStore(path, tiers=DEFAULT_TIERS) as store:
        assert await store.apply_retention(KEEP) == 0
        while store._database is not None and store._database.is_recovering:
            await store.write(b"busy x=1 1")
            store._database.recover()
        await store.apply_retention(KEEP)
        assert await count(store) == before
