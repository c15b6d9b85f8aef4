"""Pages and records are read as SQLite writes them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsmon.stores.sqlite.pages import PageFile, Trees, WriteAheadLog, read_schema

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 127, 128, -129, 2**15, 2**23, -(2**23) - 1, 2**31, 2**47, -(2**47) - 1]),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(1, 3_000).map(lambda n: "ü" * n),
    st.binary(max_size=50),
)


def read(path: Path, table: str) -> list[tuple[int | None, list[Any]]]:
    with PageFile(path) as file:
        trees = Trees(file)
        [root] = [entry.root for entry in read_schema(trees) if entry.name == table]
        found = []
        for rows in trees.rows(root):
            assert rows is not None
            found += [(rowid, values) for rowid, values in rows]
        assert trees.find(root).lost == 0
        return found


@given(
    rows=st.lists(st.tuples(st.integers(-1_000, 1_000), VALUES, VALUES), max_size=60, unique_by=lambda row: row[0]),
    page=st.sampled_from([512, 1024, 4096, 65_536]),
    vacuum=st.sampled_from([0, 1, 2]),
)
@settings(max_examples=60, deadline=None)
def test_every_row_of_any_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, Any, Any]], page: int, vacuum: int
) -> None:
    path = tmp_path_factory.mktemp("pages") / "any.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute(f"PRAGMA auto_vacuum = {vacuum}")
        connection.execute("CREATE TABLE plain (a, b)")
        connection.execute("CREATE TABLE keyed (k INTEGER, a, b, PRIMARY KEY (k)) WITHOUT ROWID")
        connection.executemany("INSERT INTO plain (rowid, a, b) VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO keyed VALUES (?, ?, ?)", rows)
        connection.commit()
    encoded = sorted((row[0], *(one.encode() if isinstance(one, str) else one for one in row[1:])) for row in rows)
    plain = sorted(((rowid, *values) for rowid, values in read(path, "plain")), key=lambda row: row[0])
    keyed = sorted((tuple(values) for _, values in read(path, "keyed")), key=lambda row: row[0])
    assert [_key(row) for row in plain] == [_key(row) for row in encoded]
    assert [_key(row) for row in keyed] == [_key(row) for row in encoded]


def _key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Whole floats are stored as integers only in columns of type REAL, and -0.0 as 0.0."""
    return tuple(one if not isinstance(one, float) else one + 0.0 for one in row)


def test_committed_pages_of_the_log_count_and_others_do_not(tmp_path: Path) -> None:
    origin, path = tmp_path / "origin.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(origin, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("INSERT INTO t VALUES (2)")
        for suffix in ("", "-wal"):
            shutil.copy(f"{origin}{suffix}", f"{path}{suffix}")
    log = Path(f"{path}-wal")
    whole = log.read_bytes()
    frame = 4096 + 24
    assert len(whole) == 32 + 2 * frame
    for data, values in (
        (whole, [1, 2]),
        (whole[:-1], [1]),
        (whole[: 32 + frame], [1]),
        (whole[:-9] + b"\xff" + whole[-8:], [1]),
        (b"\0" + whole[1:], []),
        (whole[:31], []),
    ):
        log.write_bytes(data)
        assert [one for _, [one] in read(path, "t")] == values
    assert WriteAheadLog.read(tmp_path / "none-wal") is None
