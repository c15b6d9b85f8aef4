"""What tsmon did not make is refused, and not a byte, a name or a time of it changes."""

import asyncio
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.tsmon.stores.sqlite.test_unopened_check import filled, snapshot
from tsmon.errors import StoreError
from tsmon.stores import Newest, Selector
from tsmon.stores.sqlite import SqliteStore, backup, check, measure
from tsmon.stores.sqlite.database import Database

V = Selector("m", "v")


def table(path: Path) -> None:
    path.write_text("time,temp\n2017-06-30T09:48:00Z,11.25\n" * 500)


def word(path: Path) -> None:
    path.write_text("no")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(20_000))


def archive_of_ours(path: Path) -> None:
    """It contains all bytes of a file of tsmon's, though not where they belong."""
    asyncio.run(filled(path.with_name("inner.db")))
    with tarfile.open(path, "w") as archive:
        archive.add(path.with_name("inner.db"), "tsmon.db")


def random_bytes(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + os.urandom(8_000))


def places(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE places (name)")


def places_with_log(path: Path) -> None:
    """A file of another program that was killed: opening and closing it by SQLite would remove its log."""
    origin = path.with_name("origin")
    with closing(sqlite3.connect(origin, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE places (name)")
        for suffix in ("", "-wal"):
            shutil.copy(f"{origin}{suffix}", f"{path}{suffix}")


def numbered(path: Path) -> None:
    """Neither tables nor a mark, but a version."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")


FOREIGN = [table, word, zeros, archive_of_ours, random_bytes, places, places_with_log, numbered]


@pytest.mark.parametrize("make", FOREIGN)
def test_another_programs_file_is_left_as_it_is(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "data" / "tsmon.db"
    path.parent.mkdir()
    make(path)
    before = snapshot(path.parent)

    async def attempt() -> None:
        for store in (SqliteStore(path), SqliteStore(path, read_only=True), SqliteStore(path, tiers=())):
            for opening in (store.open, store.open_shared, store.check):
                with pytest.raises(
                    StoreError, match=r"tsmon\.db (was not made by tsmon|is an SQLite file of another)"
                ):
                    await opening()

    asyncio.run(attempt())
    for function in (check, measure, lambda one: backup(one, tmp_path / "copy.db")):
        with pytest.raises(StoreError, match=r"not made by tsmon|of another program"):
            function(path)
    assert snapshot(path.parent) == before
    assert not (tmp_path / "copy.db").exists()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(StoreError, match="is no regular file; name another path"):
            asyncio.run(SqliteStore(path).open())
        assert not Path(f"{path}.lock").exists()


async def test_a_database_without_content_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")


async def test_a_file_whose_mark_is_still_in_its_log_is_taken(tmp_path: Path) -> None:
    origin, path = tmp_path / "origin.db", tmp_path / "tsmon.db"
    async with SqliteStore(origin) as store:
        await store.write(b"m v=1 1")
        for suffix in ("", "-wal"):
            shutil.copy(f"{origin}{suffix}", f"{path}{suffix}")
    assert b"tsmn" not in path.read_bytes()[:100]
    async with SqliteStore(path) as store:
        assert await store.newest(V) == [Newest({}, 1, 1.0)]


@pytest.mark.parametrize("suffix", [".lock", "-wal", "-journal"])
async def test_a_file_that_is_in_the_place_of_a_companion_is_left(tmp_path: Path, suffix: str) -> None:
    """Such as ``poetry.lock`` beside a store that is named ``poetry``."""
    path = tmp_path / "poetry"
    Path(f"{path}{suffix}").write_text("precious, " * 100)
    before = snapshot(tmp_path)
    for attempt in (SqliteStore(path).open, SqliteStore(path).open_shared):
        with pytest.raises(StoreError, match=f"poetry{suffix} was not made by tsmon"):
            await attempt()
    assert snapshot(tmp_path) == before
    if suffix != ".lock":
        with pytest.raises(StoreError, match=f"poetry{suffix} was not made by tsmon"):
            await SqliteStore(path).check()


async def test_the_log_of_a_deleted_file_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    origin, path = tmp_path / "origin.db", tmp_path / "tsmon.db"
    async with SqliteStore(origin) as store:
        await store.write(b"m v=1 1")
        shutil.copy(f"{origin}-wal", f"{path}-wal")
    log = Path(f"{path}-wal").read_bytes()
    async with SqliteStore(path) as store:
        await store.write(b"m v=2 2")
    [kept] = tmp_path.glob("tsmon.db.orphaned-*-wal")
    assert kept.read_bytes() == log
    assert f"{path} is gone, but not its write-ahead log, which was renamed to {kept}" in caplog.text


async def test_others_files_in_the_directory_of_handing_over_are_left(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    directory = tmp_path / "tsmon.db.handover"
    directory.mkdir()
    for name in ("notes.seg", "yarn.lock", "film.part", "00000000000000000001-7-1.seg.bak"):
        (directory / name).write_text("precious")
    before = snapshot(directory)
    owner, other = SqliteStore(path), SqliteStore(path)
    await owner.open_shared()
    await other.open_shared()
    await other.write(b"m v=1 1")
    await owner.take_in()
    assert await owner.newest(V) == [Newest({}, 1, 1.0)]
    await other.close()
    await owner.close()
    assert {name: one[0] for name, one in snapshot(directory).items()} == {n: one[0] for n, one in before.items()}


async def test_reading_a_mark_releases_no_lock_of_this_process(tmp_path: Path) -> None:
    """Closing any descriptor of a file releases the locks that a process has on it."""
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
        assert check(path) == []
        measure(path)
        await SqliteStore(path).check()
        async with SqliteStore(path, read_only=True):
            pass
        program = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM series'); c.close()"
        )
        process = await asyncio.create_subprocess_exec("python3", "-c", program, str(path))
        assert await process.wait() == 0
        assert Path(f"{path}-wal").stat().st_size
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM m1").fetchone() == (1,)


async def test_a_file_that_turns_foreign_while_it_is_open_is_left(tmp_path: Path) -> None:
    """Overwritten in place, as by ``cp``: SQLite has the same file open."""
    path = tmp_path / "tsmon.db"
    database = Database(path, read_only=False)
    database.open()
    database.write("\n".join(f'm v=1,text="{n:0200}" {n}' for n in range(20_000)).encode())
    database.read(lambda connection: connection.execute("SELECT 1 FROM m1").fetchone())
    database.change(lambda connection, _: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    table(path)
    foreign = path.read_bytes()
    with pytest.raises(StoreError, match=r"tsmon\.db was not made by tsmon"):
        database.read(lambda connection: connection.execute("SELECT sum(length(c2)) FROM m1").fetchall())
    with pytest.raises(StoreError, match=r"tsmon\.db was not made by tsmon"):
        database.write(b"m v=2 2")
    assert path.read_bytes() == foreign
    path.rename(tmp_path / "table.csv")
    database.write(b"m v=3 3")
    database.close()
    assert (tmp_path / "table.csv").read_bytes() == foreign
    assert not list(tmp_path.glob("*.damaged-*"))
