"""A file that is deleted, moved or replaced while it is open is noticed at the next use, and left."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore, check
from tsmon.stores.sqlite.writer import Writer

V = Selector("m", "v")
COMPANIONS = ("", "-wal", "-shm")


async def times(store: SqliteStore) -> list[int]:
    return [time_ns for found in await store.values(V, start_ns=0, stop_ns=10**9) for time_ns in found.times_ns]


def times_in(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT time_ns FROM m1 ORDER BY 1")]


def delete_the_file(path: Path) -> None:
    path.unlink()


def delete_everything(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def delete_the_directory(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("delete", [delete_the_file, delete_everything, delete_the_directory])
@pytest.mark.parametrize("use", ["write", "read", "take in", "check", "retention", "rollups"])
async def test_after_a_deletion_a_new_file_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, delete: Callable[[Path], None], use: str
) -> None:
    path = tmp_path / "data" / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
        delete(path)
        match use:
            case "write":
                await store.write(b"m v=2 2")
            case "read":
                assert await times(store) == []
            case "take in":
                await store.take_in()
            case "check":
                assert await store.check() is None
            case "retention":
                assert await store.apply_retention(1) == 0
            case "rollups":
                await store.refresh_rollups()
        assert path.exists()
        assert f"{path} was deleted or moved while it was in use; a new file is started" in caplog.text
        await store.write(b"m v=3 3")
        assert await times(store) == ([2, 3] if use == "write" else [3])
        with pytest.raises(StoreUnavailableError, match="is being written by"):
            await SqliteStore(path).open()
    assert times_in(path) == ([2, 3] if use == "write" else [3])
    assert sorted(file.name for file in path.parent.iterdir()) == ["tsmon.db", "tsmon.db.lock"]
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


async def test_a_moved_file_is_complete(tmp_path: Path) -> None:
    path, moved = tmp_path / "tsmon.db", tmp_path / "moved.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1\nm v=2 2")
        path.rename(moved)
        await store.write(b"m v=3 3")
        assert await times(store) == [3]
        assert (check(moved), times_in(moved)) == ([], [1, 2])
    assert times_in(path) == [3]


@pytest.mark.parametrize("with_log", [False, True])
async def test_a_file_that_is_put_in_its_place_is_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, with_log: bool
) -> None:
    """Neither is the log of the old one applied to it, nor its own log deleted."""
    path, other = tmp_path / "tsmon.db", tmp_path / "other" / "tsmon.db"
    async with SqliteStore(path) as store, SqliteStore(other) as origin:
        await store.write("\n".join(f"a{n} x={n} {n}\nm v=1 1" for n in range(200)).encode())
        await origin.write(b"m v=7 7")
        if not with_log:
            await origin.close()
        for suffix in COMPANIONS:
            if Path(f"{other}{suffix}").exists():
                shutil.copy(f"{other}{suffix}", f"{path}{suffix}.new")
                Path(f"{path}{suffix}.new").rename(f"{path}{suffix}")
        await store.write(b"m v=8 8")
        assert await times(store) == [7, 8]
        assert f"{path} was replaced while it was in use; the file that is there now is used" in caplog.text
        assert check(path) == []
    assert times_in(path) == [7, 8]
    assert not list(tmp_path.glob("*damaged*"))


async def test_another_programs_file_in_its_place_is_left_as_it_is(tmp_path: Path) -> None:
    path, foreign = tmp_path / "tsmon.db", tmp_path / "places"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE places (name)")
    content = foreign.read_bytes()
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
        foreign.rename(path)
        for _ in range(2):
            with pytest.raises(StoreError, match="is an SQLite file of another program"):
                await store.write(b"m v=2 2")
        with pytest.raises(StoreError, match="is an SQLite file of another program"):
            await times(store)
        assert path.read_bytes() == content
        path.unlink()
        await store.write(b"m v=2 2")
        assert await times(store) == [2]


async def test_a_batch_that_went_into_the_deleted_file_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tsmon.db"
    write, deletions = Writer.write, iter([True, True, False])

    def write_and_delete(self: Writer, lines: bytes) -> object:
        refusals = write(self, lines)
        if next(deletions, False):
            path.unlink()
        return refusals

    async with SqliteStore(path) as store:
        monkeypatch.setattr(Writer, "write", write_and_delete)
        await store.write(b"m v=1 1")
        assert await times(store) == [1]
        deletions = iter([True] * 100)
        with pytest.raises(StoreUnavailableError, match="is deleted or replaced again and again"):
            await store.write(b"m v=2 2")


@pytest.mark.parametrize("suffixes", [["-wal"], ["-shm"], ["-wal", "-shm"]])
async def test_a_deleted_log_costs_no_point(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffixes: list[str]
) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store, SqliteStore(path, read_only=True) as reader:
        await store.write(b"m v=1 1")
        assert await times(reader) == [1]
        for suffix in suffixes:
            Path(f"{path}{suffix}").unlink()
        await store.write(b"m v=2 2")
        assert f"the log of {path} was deleted or replaced" in caplog.text
        assert await times(store) == await times(reader) == [1, 2]
        program = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT time_ns FROM m1'))"
        seen = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
        assert seen.stdout == "(1,) (2,)\n"
    assert times_in(path) == [1, 2]


async def test_a_deleted_lock_lets_no_second_process_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
        Path(f"{path}.lock").unlink()
        await store.take_in()
        assert f"the lock file of {path} was deleted while it was in use" in caplog.text
        with pytest.raises(StoreUnavailableError, match="is being written by"):
            await SqliteStore(path).open()
        Path(f"{path}.lock").unlink()
        async with SqliteStore(path) as second:
            await second.write(b"m v=2 2")
            with pytest.raises(StoreUnavailableError, match="is being written by"):
                await store.write(b"m v=3 3")
        await store.write(b"m v=3 3")
        assert await times(store) == [1, 2, 3]


async def test_who_loses_the_lock_hands_over(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    first, second = SqliteStore(path), SqliteStore(path)
    await first.open_shared()
    await first.write(b"m v=1 1")
    Path(f"{path}.lock").unlink()
    await second.open_shared()
    await second.write(b"m v=2 2")
    await first.write(b"m v=3 3")
    await second.take_in()
    assert await times(second) == [1, 2, 3]
    await first.close()
    await second.close()


async def test_a_deleted_directory_of_handing_over_is_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tsmon.db"
    owner, other = SqliteStore(path), SqliteStore(path)
    await owner.open_shared()
    await other.open_shared()
    await other.write(b"m v=1 1\nm v=2 2")
    await owner.take_in()
    await other.write(b"m v=3 3")
    await other.write(b"m v=4 4")
    shutil.rmtree(f"{path}.handover")
    await other.take_in()
    assert "up to 2 points that waited in it" in caplog.text
    await other.write(b"m v=5 5")
    await owner.take_in()
    assert await times(owner) == [1, 2, 5]
    await other.close()
    await owner.close()
    assert not Path(f"{path}.handover").exists()


async def test_queries_go_on_while_the_file_is_deleted_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:

        async def query() -> None:
            for _ in range(200):
                assert len(await times(store)) <= 1

        queries = asyncio.create_task(query())
        for n in range(50):
            await store.write(b"m v=1 %d" % (n + 1))
            path.unlink()
        await queries
        await store.write(b"m v=1 99")
        assert await times(store) == [99]
