"""``tsmon-agent db``, while the file is being written."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.services.written_store import written_store
from tests.tsmon_agent.shell import Ran, Shell
from tsmon.stores.sqlite import SqliteStore

LINES = b"cpu,host=a usage=1.5 1\ncpu,host=b usage=2.5 1\nmem,host=a used=7i 1"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file of the embedded store that another part of this process is writing."""
    path = tmp_path / "tsmon.db"
    (tmp_path / "tsmon.toml").write_text(f'[monitoring]\nfile = "{path}"\n')
    with written_store(path, LINES):
        yield path


def test_check_of_an_intact_file(agent: Shell, file: Path) -> None:
    assert agent("db", "check") == Ran(0, f"{file} is intact\n", "")


def test_size(agent: Shell, file: Path) -> None:
    ran = agent("db", "size")
    assert (ran.code, ran.err) == (0, "")
    sizes, total, *rows = ran.out.splitlines()
    assert sizes.startswith(f"{file}: {file.stat().st_size:,} bytes, plus ")
    assert total == "3 series, 3 rows"
    assert [row.split() for row in rows] == [["2", "cpu"], ["1", "mem"]]


def test_backup_is_a_file_of_its_own(agent: Shell, file: Path, tmp_path: Path) -> None:
    ran = agent("db", "backup", "copy.db")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{file} copied to copy.db: {(tmp_path / 'copy.db').stat().st_size:,} bytes\n"
    assert agent("db", "check", "--file", "copy.db").out == "copy.db is intact\n"
    assert agent("db", "size", "--file", "copy.db").out.splitlines()[1] == "3 series, 3 rows"


def test_backup_to_a_file_that_exists(agent: Shell, file: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    assert agent("db", "backup", "copy.db").mistake == "copy.db exists; name a file that does not"
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_backup_to_a_directory_that_does_not_exist(agent: Shell, file: Path) -> None:
    assert agent("db", "backup", "none/copy.db").mistake == (
        "none is not a directory; create it, or name another place for the copy"
    )


@pytest.mark.parametrize("command", [["check"], ["size"], ["backup", "copy.db"]])
def test_file_that_does_not_exist(agent: Shell, tmp_path: Path, command: list[str]) -> None:
    sentence = agent("db", *command).mistake
    assert sentence.startswith(f"{tmp_path / 'data' / 'tsmon' / 'tsmon.db'} does not exist")
    assert agent("db", *command, "--file", "none.db").mistake.startswith("none.db does not exist")
    assert not (tmp_path / "copy.db").exists()


def test_check_of_a_damaged_file(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0" + bytes(52) + b"tsmn" + os.urandom(8192))
    sentence = agent("db", "check", "--file", "bad.db").mistake
    assert sentence.startswith("bad.db is damaged: ")
    assert agent("db", "size", "--file", "bad.db").mistake.startswith("bad.db is damaged")


def damaged_store(path: Path) -> Path:
    async def fill() -> None:
        async with SqliteStore(path) as store:
            await store.write("\n".join(f"cpu,host=a usage={n}.5 {n}" for n in range(20_000)).encode())

    asyncio.run(fill())
    with path.open("r+b") as one:
        one.seek(20 * 4096)
        one.write(bytes(5 * 4096))
    return path


def test_recover(agent: Shell, tmp_path: Path) -> None:
    """Without a name: the file itself, and later what was quarantined beside it; each is kept."""
    path = damaged_store(tmp_path / "tsmon.db")
    agent.settings(f'[monitoring]\nfile = "{path}"\n')
    before = path.read_bytes()
    assert "; an agent that comes across the damage recovers what can be read" in agent("db", "check").mistake
    ran = agent("db", "recover")
    assert (ran.code, ran.err) == (0, "")
    [kept] = tmp_path.glob("tsmon.db.damaged-*Z")
    assert kept.read_bytes() == before
    first, second = ran.out.splitlines()
    assert first.startswith(f"{path} is damaged (")
    assert first.endswith(f"; it was renamed to {kept}")
    points = int(second.partition(" ")[0].replace(",", ""))
    assert 18_000 < points < 20_000
    assert second.startswith(f"{points:,} points and 0 rollups were recovered from {kept}; 5 of its ")
    assert agent("db", "check").code == 0
    assert agent("db", "size").out.splitlines()[1] == f"1 series, {points:,} rows"
    again = agent("db", "recover")
    assert again.out.startswith(f"{points:,} points and 0 rollups were recovered from {kept}")
    assert agent("db", "size").out.splitlines()[1] == f"1 series, {points:,} rows"


def test_recover_a_named_file_whose_beginning_is_lost(agent: Shell, tmp_path: Path, file: Path) -> None:
    path = damaged_store(tmp_path / "old.db")
    with path.open("r+b") as one:
        one.write(bytes(100))
    assert agent("db", "recover", "old.db", "--file", "new.db").code == 0
    assert agent("db", "check", "--file", "new.db").code == 0
    assert "is being written by process" in agent("db", "recover", "old.db").mistake
    assert "is being written by process" in agent("db", "recover", str(file), "--file", "new.db").mistake


def test_nothing_to_recover(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("time,temp\n" * 1_000)
    with closing(sqlite3.connect(tmp_path / "places.db")) as connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute("CREATE TABLE places (name)")
    for name, sentence in (
        ("none.db", "none.db is no file that could be read; check the path"),
        ("table.csv", "table.csv has nothing that tsmon could read; is it the right file?"),
        ("places.db", "places.db is an SQLite file of another program; name another file"),
    ):
        assert agent("db", "recover", name, "--file", "a.db").mistake == sentence
    agent("db", "recover", "--file", "a.db")
    assert agent("db", "recover", "--file", "a.db").mistake == (
        "a.db is intact, and there is no damaged file beside it; name the file to recover"
    )
    assert "was not made by tsmon" in agent("db", "recover", "--file", "table.csv").mistake
