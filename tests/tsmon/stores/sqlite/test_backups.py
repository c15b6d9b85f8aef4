"""The points of a backup take the place of a file, and leave it again if the rest of a restore fails."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tsmon.errors import StoreError
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.backups import back_up, stage
from tsmon.stores.sqlite.handover import HandOver
from tsmon.stores.sqlite.writer_lock import FileOwnedError

ALWAYS = {"start_ns": -(2**62), "stop_ns": 2**62}


async def make(path: Path, lines: bytes) -> None:
    async with SqliteStore(path) as store:
        await store.write(lines)


async def read(path: Path) -> list[object]:
    async with SqliteStore(path, read_only=True) as store:
        [found] = await store.values(Selector("m", "v"), **ALWAYS)
        return list(found.values)


def damage(path: Path, offset: int) -> bytes:
    content = path.read_bytes()
    return content[:offset] + os.urandom(4096) + content[offset + 4096 :]


async def test_what_another_program_made_is_never_replaced(tmp_path: Path) -> None:
    await make(tmp_path / "new.db", b"m v=2 1")
    (tmp_path / "b").mkdir()
    back_up(tmp_path / "new.db", tmp_path / "b", lambda *_: None)
    (tmp_path / "table.csv").write_text("time,temp\n1,2\n")
    with pytest.raises(StoreError, match="was not made by tsmon"):
        stage(tmp_path / "table.csv", tmp_path / "b", replace=True)
    assert (tmp_path / "table.csv").read_text() == "time,temp\n1,2\n"
    assert not list(tmp_path.glob("table.csv?*"))


async def test_an_exchange_is_undone_with_the_log_of_a_killed_writer(tmp_path: Path) -> None:
    await make(tmp_path / "old.db", b"m v=1 1")
    with closing(sqlite3.connect(tmp_path / "old.db")) as killed:
        killed.execute("PRAGMA wal_autocheckpoint = 0")
        await make(tmp_path / "new.db", b"m v=2 1\nm v=3 2")
        (tmp_path / "b").mkdir()
        done: list[tuple[int, int]] = []
        back_up(tmp_path / "new.db", tmp_path / "b", lambda _, left, total: done.append((left, total)))
        assert done[-1][0] == done[-1][1] > 0
        staged = stage(tmp_path / "old.db", tmp_path / "b", replace=True)
        with pytest.raises(FileOwnedError):
            await SqliteStore(tmp_path / "old.db").open()
        aside = staged.put_in_place()
        assert aside is not None
        assert await read(tmp_path / "old.db") == [2.0, 3.0]
        assert await read(aside) == [1.0]
        staged.undo()
        assert await read(tmp_path / "old.db") == [1.0]
        staged.close()
    assert sorted(path.name for path in tmp_path.glob("old.db*") if "-" not in path.name) == [
        "old.db",
        "old.db.lock",
    ]
    await make(tmp_path / "old.db", b"m v=9 9")
    assert await read(tmp_path / "old.db") == [1.0, 9.0]


async def test_a_link_stays_one_and_a_damaged_file_is_replaced_whole(tmp_path: Path) -> None:
    await make(tmp_path / "new.db", b"m v=2 1")
    (tmp_path / "b").mkdir()
    back_up(tmp_path / "new.db", tmp_path / "b", lambda *_: None)
    (tmp_path / "disk").mkdir()
    damaged = damage(tmp_path / "new.db", 4096 * 2)
    (tmp_path / "disk" / "real.db").write_bytes(damaged)
    (tmp_path / "link.db").symlink_to("disk/real.db")
    with pytest.raises(StoreError, match="exists; with --replace"):
        stage(tmp_path / "link.db", tmp_path / "b", replace=False)
    staged = stage(tmp_path / "link.db", tmp_path / "b", replace=True)
    aside = staged.put_in_place()
    staged.close()
    assert aside is not None
    assert aside.read_bytes() == damaged
    assert (tmp_path / "link.db").is_symlink()
    assert await read(tmp_path / "link.db") == [2.0]


async def test_a_damaged_copy_never_comes_near_the_file(tmp_path: Path) -> None:
    await make(tmp_path / "new.db", b"\n".join(b"m,a=%d v=%d %d" % (n, n, n) for n in range(3000)))
    (tmp_path / "b").mkdir()
    back_up(tmp_path / "new.db", tmp_path / "b", lambda *_: None)
    copy = tmp_path / "b" / "points.db"
    copy.write_bytes(damage(copy, copy.stat().st_size // 8192 * 4096))
    with pytest.raises(StoreError, match="is damaged"):
        stage(tmp_path / "there" / "old.db", tmp_path / "b", replace=True)
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("fails", [False, True])
async def test_lines_that_were_handed_over_are_taken_back_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    await make(tmp_path / "old.db", b"m v=1 1")
    async with SqliteStore(tmp_path / "new.db") as store:
        await store.write(b"m v=2 1")
        for lines in (b"m v=3 2", b"m v=4 3"):
            handover = HandOver(tmp_path / "new.db")
            handover.put(lines)
        (tmp_path / "b").mkdir()
        back_up(tmp_path / "new.db", tmp_path / "b", lambda *_: None)
        handover.leave()
    staged = stage(tmp_path / "old.db", tmp_path / "b", replace=True)
    if fails:
        # As on a full disk, for the second of the segments.
        segments = sorted((tmp_path / "b" / "handover").glob("*.seg"))
        segments[1].unlink()
        segments[1].mkdir()
        with pytest.raises(StoreError):
            staged.put_in_place()
    else:
        staged.put_in_place()
    staged.undo()
    staged.close()
    assert not (tmp_path / "old.db.handover").exists()
    assert await read(tmp_path / "old.db") == [1.0]
