"""Other processes may look, at any time."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores import Bin, Newest, Selector
from tsmon.stores.sqlite import SqliteStore

V = Selector("m", "v")

READING = """
import asyncio, sys
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore

async def main():
    async with SqliteStore(sys.argv[1], read_only=True) as store:
        count = 0
        while count < int(sys.argv[2]):
            bins = await store.bins(Selector("m", "v"), start_ns=0, stop_ns=10**18, every_ns=10**18)
            if bins and bins[0].count != count:
                count = bins[0].count
                print(count, flush=True)

asyncio.run(main())
"""


async def test_a_reader_in_another_process_sees_whole_batches_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"other v=1 1")
        with subprocess.Popen(
            [sys.executable, "-c", READING, str(path), "5000"], stdout=subprocess.PIPE
        ) as process:
            for batch in range(50):
                lines = (f"m,n={n % 3} v=1 {batch * 100 + n}" for n in range(100))
                await store.write("\n".join(lines).encode())
            assert process.stdout is not None
            counts = [int(line) for line in process.stdout]
        assert process.returncode == 0
    assert counts == sorted(counts)
    assert counts[-1] == 5000
    assert all(count % 100 == 0 for count in counts)


async def test_a_reader_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as writer, SqliteStore(path, read_only=True) as reader:
        for change in (reader.write(b"m v=1 1"), reader.check(), reader.apply_retention(1)):
            with pytest.raises(StoreError, match="read only"):
                await change
        await writer.write(b"m v=2 2")
        assert await reader.newest(V) == [Newest({}, 2, 2.0)]


async def test_a_file_that_its_writer_has_closed_can_be_read_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as writer:
        await writer.write(b"m v=1 1")
    async with SqliteStore(path, read_only=True) as reader:
        assert await reader.newest(V) == [Newest({}, 1, 1.0)]
        async with SqliteStore(path) as writer:
            await writer.write(b"m v=2 2")
        assert await reader.newest(V) == [Newest({}, 2, 2.0)]


async def test_the_reader_of_a_missing_file_says_so_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "no" / "tsmon.db"
    with pytest.raises(StoreUnavailableError, match=f"{path} does not exist"):
        await SqliteStore(path, read_only=True).open()
    assert not path.parent.exists()


async def test_a_reader_follows_when_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as writer:
        await writer.write(b"m v=1 1")
    async with SqliteStore(path, read_only=True) as reader:
        assert await reader.bins(V, start_ns=0, stop_ns=10, every_ns=10) == [Bin(0, 1, 1, 1)]
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").rename(tmp_path / f"aside.db{suffix}")
        async with SqliteStore(path) as writer:
            await writer.write(b"m v=2 2\nm v=3 3")
            assert await reader.bins(V, start_ns=0, stop_ns=10, every_ns=10) == [Bin(0, 2, 3, 2)]


async def test_a_reader_leaves_a_damaged_file_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(52) + b"tsmn" + b"no database at all, " * 400)
    with pytest.raises(StoreError, match=f"{path} is damaged"):
        await SqliteStore(path, read_only=True).open()
    assert [file.name for file in tmp_path.iterdir()] == ["tsmon.db"]


async def test_a_copy_taken_with_its_log_can_be_read(tmp_path: Path) -> None:
    path, copy = tmp_path / "tsmon.db", tmp_path / "copy.db"
    async with SqliteStore(path) as writer:
        await writer.write(b"m v=1 1")
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    async with SqliteStore(copy, read_only=True) as reader:
        assert await reader.newest(V) == [Newest({}, 1, 1.0)]
