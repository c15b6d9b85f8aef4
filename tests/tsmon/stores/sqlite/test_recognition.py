"""Which files are taken, which are refused and left as they are."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores import Newest, Selector
from tsmon.stores.sqlite import SqliteStore, check
from tsmon.stores.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION


async def test_a_missing_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(file.name for file in path.parent.iterdir()) == ["tsmon.db", "tsmon.db.lock"]


async def test_points_are_there_after_reopening(tmp_path: Path) -> None:
    for n in range(3):
        async with SqliteStore(str(tmp_path / "tsmon.db")) as store:
            await store.write(f"m,a=1 v={n},new{n}=1i {n}".encode())
            assert await store.newest(Selector("m", "v")) == [Newest({"a": "1"}, n, float(n))]
            assert await store.newest(Selector("m", f"new{n}")) == [Newest({"a": "1"}, n, 1)]
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        assert len(await store.bins(Selector("m", "v"), start_ns=0, stop_ns=10, every_ns=1)) == 3


async def test_an_empty_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%20.db"
    path.touch()
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.lock"]


async def test_the_file_commits_durably_and_can_shrink(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        assert store._database is not None
        connection, _ = store._database._connect_writer()
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


async def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError) as caught:
            await SqliteStore(path, read_only=read_only).open()
        assert f"schema 7, this one knows {SCHEMA_VERSION}" in str(caught.value)
        assert "upgrade tsmon" in str(caught.value)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*damaged*"))


async def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE places (name)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        await SqliteStore(path).open()
    with pytest.raises(StoreError, match="another program"):
        check(path)
    assert path.read_bytes() == before


async def test_the_file_is_marked_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path):
        pass
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[68:72]) == APPLICATION_ID
    assert int.from_bytes(header[60:64]) == SCHEMA_VERSION


async def test_a_directory_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tsmon.db").mkdir()
    with pytest.raises(StoreUnavailableError, match=os.fspath(tmp_path / "tsmon.db")):
        await SqliteStore(tmp_path / "tsmon.db").open()


async def test_a_file_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreUnavailableError, match="check the path"):
        await SqliteStore(tmp_path / "data" / "tsmon.db").open()
