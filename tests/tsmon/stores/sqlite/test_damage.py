"""A damaged file is kept under another name, and a new one with what can be read of it takes its place."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tsmon.stores import Newest, Selector
from tsmon.stores.sqlite import SqliteStore, check

V = Selector("m", "v")
PAGE = 4096


async def filled(path: Path) -> None:
    """A file of some hundred pages, closed properly."""
    async with SqliteStore(path) as store:
        lines = (f'm,n={n % 4} v={n},text="{"x" * 40}" {n}' for n in range(10_000))
        await store.write("\n".join(lines).encode())
    assert path.stat().st_size > 100 * PAGE


async def filled_and_killed(path: Path) -> None:
    """A file with the log that a killed writer leaves."""
    origin = path.with_name("origin.db")
    await filled(origin)
    async with SqliteStore(origin) as store:
        await store.write(b"m,n=0 v=1 1")
        shutil.copy(origin, path)
        shutil.copy(f"{origin}-wal", f"{path}-wal")
    assert Path(f"{path}-wal").stat().st_size > 0


def overwrite_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(10 * PAGE)
        file.write(os.urandom(path.stat().st_size - 20 * PAGE))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_the_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def empty_the_catalogue(path: Path) -> None:
    """Overwrite the root page of the schema, behind the header."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 500)


async def count(store: SqliteStore) -> int:
    return sum(one.count for one in await store.counts(V, start_ns=0, stop_ns=10**9))


def aside(path: Path) -> Path:
    [found] = [
        file for file in path.parent.glob(f"{path.name}.damaged-*") if not file.name.endswith(("-wal", "-shm"))
    ]
    return found


def assert_put_aside(path: Path, damaged: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert aside(path).read_bytes() == damaged
    records = [record for record in caplog.records if record.name == "tsmon"]
    assert [record.levelno for record in records] == [logging.ERROR] * 2
    assert records[0].getMessage().startswith(f"{path} is damaged (")
    assert f"it was renamed to {aside(path)}, and a new file is used" in records[0].getMessage()
    assert f"recovered from {aside(path)}; " in records[1].getMessage()
    assert check(path) == []
    assert not list(path.parent.glob("*.recovering"))


AT_OPENING = [(truncate, 0.4), (overwrite_the_header, 1.0), (empty_the_catalogue, 1.0)]


@pytest.mark.parametrize(("damage", "share"), AT_OPENING)
async def test_damage_that_shows_at_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None], share: float
) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    damage(path)
    damaged = path.read_bytes()
    async with SqliteStore(path) as store:
        assert await count(store) >= share * 10_000
        await store.write(b"m v=1 1")
        assert Newest({}, 1, 1.0) in await store.newest(V)
    assert_put_aside(path, damaged, caplog)


async def test_damage_that_a_killed_writer_left_is_found_at_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tsmon.db"
    await filled_and_killed(path)
    overwrite_the_middle(path)
    async with SqliteStore(path) as store:
        assert aside(path).exists()
        assert await count(store) > 500
    assert str(aside(path)) in caplog.records[0].getMessage()
    assert check(path) == []


async def test_a_whole_file_that_a_killed_writer_left_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await filled_and_killed(path)
    async with SqliteStore(path) as store:
        assert len(await store.newest(V)) == 4
    assert not list(tmp_path.glob("*damaged*"))


async def test_damage_that_a_write_comes_upon_costs_no_point_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    overwrite_the_middle(path)
    damaged = path.read_bytes()
    async with SqliteStore(path) as store:
        await store.write("\n".join(f"m,n={n % 4} v=1,w=2i {n * 50}" for n in range(200)).encode())
        stored = await store.values(Selector("m", "w"), start_ns=0, stop_ns=10**9)
        assert sorted(time_ns for one in stored for time_ns in one.times_ns) == [n * 50 for n in range(200)]
        assert {value for one in stored for value in one.values} == {2}
        for one in await store.values(V, start_ns=0, stop_ns=10**9):
            written = dict(zip(one.times_ns, one.values, strict=True))
            assert all(
                value == (1.0 if time_ns % 50 == 0 else time_ns)
                for time_ns, value in written.items()
                if time_ns % 4 == 1
            )
    assert_put_aside(path, damaged, caplog)


async def test_damage_that_a_question_comes_upon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    overwrite_the_middle(path)
    damaged = path.read_bytes()
    async with SqliteStore(path) as store:
        [one] = await store.bins(V, start_ns=0, stop_ns=10**9, every_ns=10**9)
        assert 500 < one.count < 5_000
        await store.write(b"m v=1 1")
        assert Newest({}, 1, 1.0) in await store.newest(V)
    assert_put_aside(path, damaged, caplog)


async def test_damage_that_retention_comes_upon(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    overwrite_the_middle(path)
    damaged = path.read_bytes()
    async with SqliteStore(path) as store:
        assert 500 < await store.apply_retention(1, now_ns=10**12) < 5_000
        await store.write(b"m v=1 1")
    assert_put_aside(path, damaged, caplog)


async def test_a_log_that_belongs_to_another_file_is_not_applied_to_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await filled_and_killed(path)
    overwrite_the_header(path)
    Path(f"{path}-wal").write_bytes(b"a log that fits nothing")
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 20000")
    async with SqliteStore(path) as store:
        assert Newest({}, 20_000, 1.0) in await store.newest(V)
        assert await count(store) == 10_001


async def test_readers_follow_and_what_they_hold_open_goes_with_the_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    async with SqliteStore(path) as writer, SqliteStore(path, read_only=True) as reader:
        assert len(await reader.newest(Selector("m", "v", {"n": "0"}))) == 1
        overwrite_the_middle(path)
        await writer.write("\n".join(f"m,n={n % 4} v=1,w=2i {n * 50}" for n in range(200)).encode())
        assert Path(f"{aside(path)}-wal").exists()
        assert [newest.value for newest in await reader.newest(Selector("m", "w"))] == [2, 2, 2, 2]
    assert check(path) == []


async def test_several_damaged_files_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    for _ in range(3):
        overwrite_the_header(path)
        async with SqliteStore(path):
            pass
    assert len(list(tmp_path.glob("*.damaged-*"))) == 3
