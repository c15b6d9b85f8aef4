"""Looking after the file while it is written."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores import Newest, Selector
from tsmon.stores.sqlite import FileSize, SqliteStore, backup, check, measure

N = Selector("m", "n")
POINTS = 500


def batch(number: int) -> bytes:
    times = range(number * POINTS, (number + 1) * POINTS)
    return "\n".join(f"m,a={time % 3} n={time}i {time}" for time in times).encode()


async def test_a_backup_taken_while_a_writer_runs_holds_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        for number in range(50):
            await store.write(batch(number))
        copying = asyncio.create_task(asyncio.to_thread(backup, path, tmp_path / "copy.db"))
        while not copying.done():
            number += 1
            await store.write(batch(number))
        await copying
    assert check(tmp_path / "copy.db") == []
    assert not list(tmp_path.glob("copy.db-*"))
    async with SqliteStore(tmp_path / "copy.db") as copy:
        bins = await copy.bins(N, start_ns=0, stop_ns=10**12, every_ns=POINTS)
        assert 50 <= len(bins) <= number + 1
        assert {one.count for one in bins} == {POINTS}
        await copy.write(b"m,a=9 n=1i 1")
        assert await copy.newest(Selector("m", "n", {"a": "9"})) == [Newest({"a": "9"}, 1, 1)]


async def test_a_backup_does_not_overwrite(tmp_path: Path) -> None:
    path, there = tmp_path / "tsmon.db", tmp_path / "there"
    there.write_text("precious")
    async with SqliteStore(path):
        with pytest.raises(StoreUnavailableError, match=f"{there} exists"):
            backup(path, there)
        with pytest.raises(StoreUnavailableError, match=f"{path} exists"):
            backup(path, path)
    assert there.read_text() == "precious"


async def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        for number in range(20):
            await store.write(batch(number))
    with path.open("r+b") as file:
        os.truncate(file.fileno(), 9 * 4096)
    with pytest.raises(Exception, match="damaged"):
        backup(path, tmp_path / "copy.db")
    with pytest.raises(StoreUnavailableError, match="does not exist"):
        backup(tmp_path / "nothing.db", tmp_path / "copy.db")
    async with SqliteStore(tmp_path / "whole.db"):
        with pytest.raises(StoreUnavailableError, match="No such file"):
            backup(tmp_path / "whole.db", tmp_path / "no" / "copy.db")
    assert not list(tmp_path.glob("copy*"))


async def test_a_whole_file_has_no_findings(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(batch(0))
        assert check(path) == []
    assert check(path) == []


async def test_damage_is_found_and_left_in_place(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        for number in range(20):
            await store.write(batch(number))
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 10 * 4096)
    assert check(path)
    path.write_bytes(b"no database at all, " * 400)
    with pytest.raises(StoreError, match=r"tsmon\.db was not made by tsmon: file is not a database; it is left"):
        check(path)
    assert not list(tmp_path.glob("*damaged*"))


def test_a_missing_file_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="does not exist"):
        check(tmp_path / "tsmon.db")
    assert list(tmp_path.iterdir()) == []


async def test_size_counts_rows_of_each_measurement_and_series(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(batch(0))
        await store.write(b'm,a=0 other=1 0\nlog text="x" 1\nlog text="y" 2')
        size = await store.size()
        assert size == FileSize(path.stat().st_size, Path(f"{path}-wal").stat().st_size, 4, {"log": 2, "m": POINTS})
        assert size.log_bytes > 0
    assert measure(path).log_bytes == 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM series").fetchone() == (4,)
