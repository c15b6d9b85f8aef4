"""Checking a file that is not open changes nothing: no byte, no time, no name."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.tsmon.stores.sqlite.test_one_writer import holder
from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.schema import APPLICATION_ID, SCHEMA_VERSION


def snapshot(directory: Path) -> dict[str, tuple[bytes, int, int]]:
    """Contents, times and inodes of everything."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_ino)
        for path in (directory, *directory.rglob("*"))
    }


async def filled(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")


async def test_an_intact_file_is_left_as_it_is(tmp_path: Path) -> None:
    await filled(tmp_path / "tsmon.db")
    before = snapshot(tmp_path)
    assert await SqliteStore(tmp_path / "tsmon.db").check() is None
    assert snapshot(tmp_path) == before


async def test_a_missing_file_is_said_to_be_missing_and_not_created(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    assert await SqliteStore(tmp_path / "a" / "b.db").check() == "does not exist yet and can be created"
    assert snapshot(tmp_path) == before


async def test_an_older_file_is_not_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    before = snapshot(tmp_path)
    assert await SqliteStore(path).check() is None
    assert snapshot(tmp_path) == before


async def test_a_damaged_file_is_reported_and_not_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    for content in (bytes(52), b"\x10\0" + b"x" * 50):
        path.write_bytes(b"SQLite format 3\0" + content + b"tsmn" + b"x" * 5_000)
        before = snapshot(tmp_path)
        with pytest.raises(StoreError, match=r"tsmon\.db is damaged \("):
            await SqliteStore(path).check()
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("PRAGMA application_id = 5", "of another program"),
        (f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "by a newer tsmon"),
    ],
)
async def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(
    tmp_path: Path, statement: str, reason: str
) -> None:
    path = tmp_path / "tsmon.db"
    await filled(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
    before = snapshot(tmp_path)
    with pytest.raises(StoreError, match=reason):
        await SqliteStore(path).check()
    assert snapshot(tmp_path) == before


async def test_an_empty_file_and_one_whose_writer_was_killed_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    killed = tmp_path / "killed" / "tsmon.db"
    with holder(killed) as process:
        process.kill()
    assert Path(f"{killed}-wal").stat().st_size
    before = snapshot(tmp_path)
    for path in (tmp_path / "empty.db", killed):
        assert await SqliteStore(path).check() is None
    assert snapshot(tmp_path) == before
    header = bytearray(killed.read_bytes())
    header[60:64] = (SCHEMA_VERSION + 1).to_bytes(4)
    header[68:72] = APPLICATION_ID.to_bytes(4)
    killed.write_bytes(header)
    with pytest.raises(StoreError, match="by a newer tsmon"):
        await SqliteStore(killed).check()


async def test_a_file_that_is_being_written_is_reported_and_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    with holder(path) as process:
        before = snapshot(tmp_path)
        remark = f"is being written by process {process.pid}, which takes the points of others over"
        assert await SqliteStore(path).check() == remark
        assert snapshot(tmp_path) == before


async def test_a_directory_and_a_path_below_a_file_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "directory.db").mkdir()
    (tmp_path / "file").touch()
    before = snapshot(tmp_path)
    with pytest.raises(StoreUnavailableError, match="it cannot be opened"):
        await SqliteStore(tmp_path / "directory.db").check()
    with pytest.raises(StoreUnavailableError, match="is a file; name another path"):
        await SqliteStore(tmp_path / "file" / "tsmon.db").check()
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_file_of_another_user_is_one_sentence(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys; from tsmon.stores.sqlite import SqliteStore\n"
        "import sqlite3, tsmon.stores.sqlite.store, concurrent.futures.thread, asyncio.runners\n"
        "path = sys.argv[1]; os.chdir(os.path.dirname(path)); open('tsmon.db', 'w').close(); os.chmod('.', 0o755)\n"
        "os.setuid(54321)\n"
        "try: asyncio.run(SqliteStore('tsmon.db').check())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    path = tmp_path / "tsmon.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (
        "StoreUnavailableError tsmon.db is not writable; give this user write access, or name another path\n",
        "",
    )
