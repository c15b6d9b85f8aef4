"""``tsmon-agent db``, while the file is being written."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tsmon_agent.shell import Ran, Shell
from tsmon.stores.sqlite import SqliteStore

LINES = b"cpu,host=a usage=1.5 1\ncpu,host=b usage=2.5 1\nmem,host=a used=7i 1"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file of the embedded store that another part of this process is writing."""
    path = tmp_path / "tsmon.db"
    (tmp_path / "tsmon.toml").write_text(f'[monitoring]\nfile = "{path}"\n')
    loop = asyncio.new_event_loop()
    store = SqliteStore(path)
    loop.run_until_complete(store.open())
    loop.run_until_complete(store.write(LINES))
    yield path
    loop.run_until_complete(store.close())
    loop.close()


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
