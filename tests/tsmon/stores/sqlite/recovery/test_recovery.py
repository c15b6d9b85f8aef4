"""What can be read of a damaged file is recovered, and nothing in it is misread."""

import asyncio
import logging
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tsmon.errors import StoreError
from tsmon.stores import Selector
from tsmon.stores.retention_policy import RetentionPolicy
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore, check, database, recover
from tsmon.stores.sqlite.pages import PageFile, Trees, read_schema
from tsmon.stores.sqlite.recovery import pending
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

PAGE = 4096
POINTS = 6_000
TIERS = (RollupTier(MINUTE_NS, DAY_NS), RollupTier(HOUR_NS), RollupTier(DAY_NS))
NOW_NS = POINTS * 30 * SECOND_NS
KEEP_NS = 20 * HOUR_NS
V = Selector("m", "v")


def lines(numbers: range) -> bytes:
    """Two measurements with every type, a field that some points lack, and texts that fill several pages."""
    found = []
    for n in numbers:
        time_ns = n * 30 * SECOND_NS
        rare = f",rare={n}i" if n % 7 == 0 else ""
        text = f"{n}-{'ü' * (9_000 if n % 500 == 3 else 5)}"
        found.append(f'm,n={n % 5} v={n / 4},i={n}i,u={n}u,b={n % 2 == 0},s="{text}"{rare} {time_ns}')
        found.append(f"other,Größe=a\\ b x={n % 11} {time_ns}")
    return "\n".join(found).encode()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which rollups are all that is left of the first day."""
    path = tmp_path_factory.mktemp("original") / "tsmon.db"

    async def fill() -> None:
        async with SqliteStore(path, tiers=TIERS) as store:
            for begin in range(0, POINTS, 1_000):
                await store.write(lines(range(begin, begin + 1_000)))
            await store.refresh_rollups()
            assert await store.apply_retention(KEEP_NS, now_ns=NOW_NS)

    asyncio.run(fill())
    return path


@pytest.fixture
def path(tmp_path: Path, original: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "tsmon.db"))


def rows(path: Path) -> dict[tuple[Any, ...], Any]:
    """All points and rollups by names, not numbers: key to value."""
    found: dict[tuple[Any, ...], Any] = {}
    with closing(sqlite3.connect(path)) as connection:
        tiers = dict(connection.execute("SELECT number, every_ns FROM rungs WHERE number"))
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        series = {number: (m, tags) for number, m, tags in connection.execute("SELECT * FROM series")}
        for measurement, name in connection.execute("SELECT * FROM measurements").fetchall():
            for field, column in connection.execute(
                "SELECT name, number FROM fields WHERE measurement = ?", (measurement,)
            ).fetchall():
                for number, time_ns, value in connection.execute(
                    f"SELECT series, time_ns, c{column} FROM m{measurement} WHERE c{column} IS NOT NULL"
                ):
                    found["point", name, series[number][1], time_ns, field] = value
            for tier, every_ns in tiers.items():
                table = f"m{measurement}_r{tier}"
                if table in tables:
                    for number, window, *extent in connection.execute(
                        f"SELECT series, window, count, first, last FROM {table}"
                    ):
                        found["rollup", name, series[number][1], every_ns, window] = extent
    return found


def leaves(path: Path, table: str) -> list[int]:
    with PageFile(path) as file:
        trees = Trees(file)
        [root] = [entry.root for entry in read_schema(trees) if entry.name == table]
        return [number for number in trees.find(root).pages if file.page(number)[0] == 0x0A]  # type: ignore[index]


def interiors(path: Path, table: str) -> list[int]:
    with PageFile(path) as file:
        trees = Trees(file)
        [root] = [entry.root for entry in read_schema(trees) if entry.name == table]
        return [number for number in trees.find(root).pages if file.page(number)[0] == 0x02]  # type: ignore[index]


def overwrite(path: Path, page: int, data: bytes, start: int = 0) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + start)
        file.write(data)


def share(path: Path, original: Path, kind: str) -> float:
    """The part of the original's rows that the file has; fails if one has another value."""
    before, after = rows(original), rows(path)
    assert all(before.get(key) == value for key, value in after.items() if key[0] == "point" and key[1] != "busy")
    keys = [key for key in before if key[0] == kind]
    same = sum(after.get(key) == before[key] for key in keys)
    return same / len(keys)


async def open_and_close(path: Path) -> None:
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.take_in()
        await settle(store)
        await store.refresh_rollups()
    assert check(path) == []


async def settle(store: SqliteStore) -> None:
    """Wait for the recovery in the background."""
    assert store._database is not None
    while store._database.is_recovering:
        await store.take_in()
        if store._recovering is not None:
            await asyncio.wait([store._recovering])


def random_bytes(chance: random.Random, _: bytes) -> tuple[int, bytes]:
    return 0, chance.randbytes(PAGE)


def zeros(_: random.Random, __: bytes) -> tuple[int, bytes]:
    return 0, bytes(PAGE)


def half_a_page(chance: random.Random, _: bytes) -> tuple[int, bytes]:
    return chance.choice([(0, bytes(PAGE // 2)), (PAGE // 2, bytes(PAGE // 2)), (512, b"\xff" * 512)])


def another_page(_: random.Random, other: bytes) -> tuple[int, bytes]:
    """Written to the wrong place, as a controller may do it."""
    return 0, other


DAMAGES = [random_bytes, zeros, half_a_page, another_page]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_percent_of_the_pages_cost_about_two_percent(
    path: Path, original: Path, damage: Callable[[random.Random, bytes], tuple[int, bytes]], seed: int
) -> None:
    chance = random.Random(seed)
    pages = path.stat().st_size // PAGE
    catalogue = {
        1,
        2,
        *(page for name in ("measurements", "series", "fields", "rungs") for page in roots(path, name)),
    }
    spared = catalogue | set(interiors(path, "m1"))
    for page in chance.sample([one for one in range(1, pages + 1) if one not in spared], pages // 50):
        other = original.read_bytes()[(chance.randrange(pages)) * PAGE :][:PAGE]
        start, data = damage(chance, other)
        overwrite(path, page, data, start)
    sentences: list[str] = []
    recover(path, say=sentences.append)
    assert "it was renamed to" in sentences[0]
    assert "were recovered from" in sentences[1]
    assert check(path) == []
    assert share(path, original, "point") > 0.9
    assert share(path, original, "rollup") > 0.8


def roots(path: Path, table: str) -> list[int]:
    with PageFile(path) as file:
        return [entry.root for entry in read_schema(Trees(file)) if entry.table == table]


async def test_a_lost_page_of_pointers_costs_no_page_that_it_points_to(path: Path, original: Path) -> None:
    for page in interiors(path, "m1"):
        overwrite(path, page, bytes(PAGE))
    # Where the last writer was killed, every page is checked at the opening.
    Path(f"{path}-wal").write_bytes(b"x")
    await open_and_close(path)
    assert share(path, original, "point") > 0.97
    assert share(path, original, "rollup") == 1.0


@pytest.mark.parametrize(("start", "length"), [(0, 100), (100, 400), (0, 512), (16, 60)])
async def test_a_damaged_beginning_costs_nothing(path: Path, original: Path, start: int, length: int) -> None:
    """The header, or the list of tables; where both are gone, the file is no longer known as tsmon's."""
    overwrite(path, 1, b"\xff" * length, start)
    if (start, length) in ((0, 512), (16, 60)):
        with pytest.raises(StoreError, match=r"not made by tsmon|of another program"):
            await open_and_close(path)
        return
    await open_and_close(path)
    assert share(path, original, "point") == 1.0
    assert share(path, original, "rollup") == 1.0


@pytest.mark.parametrize("table", ["series", "measurements"])
async def test_names_are_stored_twice(path: Path, original: Path, table: str) -> None:
    overwrite(path, roots(path, table)[0], bytes(PAGE))
    Path(f"{path}-wal").write_bytes(b"x")
    await open_and_close(path)
    assert share(path, original, "point") == 1.0


async def test_what_is_in_the_log_counts(tmp_path: Path, original: Path) -> None:
    path = tmp_path / "tsmon.db"
    origin = Path(shutil.copy(original, tmp_path / "origin.db"))
    async with SqliteStore(origin) as store:
        await store.write(b"m,n=0 v=-1 1\nm,n=new v=-2 2")
        shutil.copy(origin, path)
        shutil.copy(f"{origin}-wal", f"{path}-wal")
    overwrite(path, leaves(path, "m2")[3], bytes(PAGE))
    await open_and_close(path)
    after = rows(path)
    assert after["point", "m", '[["n","0"]]', 1, "v"] == -1.0
    assert after["point", "m", '[["n","new"]]', 2, "v"] == -2.0


async def test_answers_after_the_recovery_are_those_of_before(path: Path, original: Path) -> None:
    """Rollups, frontiers and partial fields keep their meaning."""
    overwrite(path, 1, bytes(100))
    await open_and_close(path)
    async with SqliteStore(path, read_only=True) as after, SqliteStore(original, read_only=True) as before:
        for field in ("v", "i", "rare", "b", "s"):
            for every_ns in (MINUTE_NS, HOUR_NS, DAY_NS):
                span = {"start_ns": 0, "stop_ns": NOW_NS, "every_ns": every_ns}
                assert await after.bins(Selector("m", field), **span) == await before.bins(
                    Selector("m", field), **span
                )
        assert await after.newest(V) == await before.newest(V)
        assert await after.retention("m") == await before.retention("m")


@contextmanager
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No recovery in the call that meets the damage, one step at a time afterwards."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "FIRST_RECOVERY_S", 0.0)
        patch.setattr(database, "RECOVERY_STEP_S", 0.000_001)
        yield


async def test_points_are_written_while_the_recovery_is_under_way(
    path: Path, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is newer than the damage stays: another value of the same point, and points of the same windows."""
    overwrite(path, 1, bytes(100))
    newest_ns = (POINTS - 1) * 30 * SECOND_NS
    n = (POINTS - 1) % 5
    with slow(monkeypatch):
        async with SqliteStore(path, tiers=TIERS) as store:
            await store.write(f"m,n={n} v=-5 {newest_ns}\nm,n={n} v=-6 {newest_ns + 1}".encode())
            await store.refresh_rollups()
            longest = 0.0
            while store._database is not None and store._database.is_recovering:
                begin = time.perf_counter()
                await store.write(b"busy x=1 1")
                longest = max(longest, time.perf_counter() - begin)
            await store.refresh_rollups()
            assert longest < 5.0
    before, after = rows(original), rows(path)
    tags = f'[["n","{n}"]]'
    assert after.pop(("point", "m", tags, newest_ns, "v")) == -5.0
    assert after.pop(("point", "m", tags, newest_ns + 1, "v")) == -6.0
    assert before.pop(("point", "m", tags, newest_ns, "v")) > 0
    last = [key for key in before if key[:3] == ("rollup", "m", tags) and key[4] == newest_ns // key[3]]
    for key in last:
        assert after.pop(key)[0] == before.pop(key)[0] + 1
    assert {key: value for key, value in after.items() if key[1] != "busy"} == before


async def test_an_interrupted_recovery_is_continued_by_the_next_process(
    path: Path, original: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    overwrite(path, 1, bytes(100))
    with slow(monkeypatch):
        async with SqliteStore(path, tiers=TIERS) as store:
            await store.write(b"busy x=1 1")
    assert list(path.parent.glob("*.recovering"))
    assert "were recovered" not in caplog.text
    await open_and_close(path)
    assert "were recovered" in caplog.text
    assert not list(path.parent.glob("*.recovering"))
    assert share(path, original, "point") == 1.0


async def test_a_recovery_ends_after_its_time_and_names_the_command(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    overwrite(path, 1, bytes(100))
    monkeypatch.setattr(pending, "LIMIT_S", 0.0)
    await open_and_close(path)
    [damaged] = path.parent.glob("*.damaged-*Z")
    assert f"the rest of it can be recovered by tsmon-agent db recover {damaged}" in caplog.text
    assert not list(path.parent.glob("*.recovering"))


async def test_the_loss_is_reported(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for page in leaves(path, "m1")[:3]:
        overwrite(path, page, bytes(PAGE))
    Path(f"{path}-wal").write_bytes(b"x")
    await open_and_close(path)
    [message] = [one.getMessage() for one in caplog.records if "were recovered" in one.getMessage()]
    pages = next(path.parent.glob("*.damaged-*Z")).stat().st_size // PAGE
    assert f"; 3 of its {pages:,} pages are unreadable, and with them about " in message
    assert [one.levelno for one in caplog.records] == [logging.ERROR] * 2


@pytest.mark.parametrize("lost", ["nothing", "terms", "streams"])
async def test_what_has_a_grace_or_is_kept_in_a_damaged_file_is_not_removed_after_the_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Also if retention is settled while the damaged file is still searched for its tables."""
    path = tmp_path / "tsmon.db"
    now_ns = 100 * DAY_NS
    wanted = RetentionPolicy(14 * DAY_NS, None)
    async with SqliteStore(path, tiers=TIERS) as store:
        await store.settle_retention(wanted if lost == "streams" else RetentionPolicy(), now_ns=now_ns)
        await store.write("\n".join(f"m v=1 {day * DAY_NS}" for day in range(100)).encode())
        if lost == "streams":
            await store.keep_streams([V])
        await store.settle_retention(wanted, now_ns=now_ns)
    for page in [] if lost == "nothing" else roots(path, lost):
        overwrite(path, page, bytes(100))
    overwrite(path, 1, bytes(100))
    with slow(monkeypatch):
        async with SqliteStore(path, tiers=TIERS) as store:
            assert (await store.settle_retention(wanted, now_ns=now_ns)).in_force == wanted
            while store._database is not None and store._database.is_recovering:
                store._database.recover()
            in_force = (await store.settle_retention(wanted, now_ns=now_ns)).in_force
            assert in_force.points_ns is None
            await store.apply_retention(in_force.points_ns, streams_keep_ns=in_force.streams_ns, now_ns=now_ns)
            [found] = await store.values(V, start_ns=0, stop_ns=now_ns)
    assert len(found.values) == 100
