"""The file: how it is recognised, structured and opened.

``measurements`` and ``fields`` map names to generated tables (``m1``, ``m2``, …) and columns (``c1``, …), since
SQLite's own names are case-insensitive and some are reserved. ``series`` numbers the tag sets. The points of a
measurement are in one table, clustered by series and time; a field that a point lacks is NULL. Floats are REAL
(SQLite does not keep the sign of a zero), integers, unsigned and booleans INTEGER, strings TEXT. Rollups are in
further tables: :mod:`tsmon.stores.sqlite.rollups.layout`.
"""

import sqlite3
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores.sqlite.file_mark import APPLICATION_ID, ForeignFileError, check_companions, check_mark
from tsmon.stores.sqlite.quarantine import set_orphaned_log_aside
from tsmon.stores.sqlite.retention.kept_streams import TABLES as STREAM_TABLES
from tsmon.stores.sqlite.retention.terms import TABLES as TERM_TABLES
from tsmon.stores.sqlite.rollups.layout import FRONTIERS, MIN_TIME
from tsmon.stores.sqlite.rollups.layout import TABLES as ROLLUP_TABLES
from tsmon.stores.sqlite.sqlite_errors import DamagedFileError

__all__ = [
    "APPLICATION_ID",
    "SCHEMA_VERSION",
    "check_newness",
    "is_new",
    "open_for_reading",
    "open_for_writing",
]

SCHEMA_VERSION: Final = 3

BUSY_S: Final = 5.0
"""How long a statement waits for another process, such as a ``sqlite3`` shell."""

CACHE_KIB: Final = 16_384
WAL_BYTES: Final = 64 * 1024 * 1024
"""A larger write-ahead log is truncated to this size."""

CHECKED_BYTES: Final = 512 * 1024 * 1024
"""Files up to this size are checked if their last writer was killed (about two seconds at most)."""

_RETENTION: Final = (*FRONTIERS, *STREAM_TABLES, *TERM_TABLES)

_TABLES: Final = (
    "CREATE TABLE measurements (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE fields (
        measurement INTEGER NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (measurement, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        measurement INTEGER NOT NULL,
        tags TEXT NOT NULL,
        UNIQUE (measurement, tags)
    )""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    *ROLLUP_TABLES,
    *_RETENTION,
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_UPGRADES: Final = {
    1: ROLLUP_TABLES,
    2: (
        *_RETENTION,
        "DROP TABLE IF EXISTS thawed",
        f"""INSERT INTO frontiers SELECT id, from_ns, from_ns - 1 FROM series
        JOIN rungs ON number = 0 AND from_ns > {MIN_TIME}""",
    ),
}
"""Statements that upgrade each older version to the next."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Connection for writing, in WAL mode with a sync at each commit; creates a missing file.

    Raises :class:`DamagedFileError`, :class:`StoreError` for a file that is not ours or is newer, and
    ``sqlite3.Error``. The check is bounded: header, schema and catalogue always; every page only if a write-ahead
    log shows that the last writer was killed, and the file is no larger than :data:`CHECKED_BYTES`. SQLite reports
    damage elsewhere when it reads it.
    """
    check_mark(path)
    check_companions(path)
    if not _size(path):
        set_orphaned_log_aside(path)
    killed = _size(Path(f"{path}-wal")) > 0
    connection = _connect(path, "rwc")
    try:
        new = is_new(connection, path)
        if new:
            # Before anything is written; on an existing file this would write at each opening.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreUnavailableError(
                f"{path}: this file system cannot hold a write-ahead log; name a file on a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN IMMEDIATE")
        if new:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("COMMIT")
        elif (version := _version(connection)) < SCHEMA_VERSION:
            for older in range(version, SCHEMA_VERSION):
                for statement in _UPGRADES[older]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
        else:
            # SQLite opens the file even without permission to write; so try, and roll back.
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("ROLLBACK")
        if killed and _size(path) <= CHECKED_BYTES:
            findings = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
            if findings != ["ok"]:
                raise DamagedFileError(path, " ".join(findings[0].split()))
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Connection that cannot write; raises as :func:`open_for_writing`, and if there is no file."""
    if not path.exists():
        raise StoreUnavailableError(f"{path} does not exist; has anything been written yet, is the path right?")
    check_mark(path)
    connection = _connect(path, "ro")
    try:
        if is_new(connection, path):
            raise StoreUnavailableError(f"{path} is empty; its writer has not finished creating it, or never ran")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


def is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is empty; raises unless it is empty or ours, with an intact catalogue."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables and application == 0 and version == 0:
        return True
    if application != APPLICATION_ID:
        raise ForeignFileError(f"{path} is an SQLite file of another program; name another file")
    check_newness(path, version)
    if not {"measurements", "fields", "series"} <= tables:
        raise DamagedFileError(path, "its catalogue is missing")
    strays = connection.execute(
        "SELECT count(*) FROM fields WHERE measurement NOT IN (SELECT id FROM measurements) OR NOT EXISTS "
        "(SELECT 1 FROM pragma_table_info('m' || fields.measurement) WHERE name = 'c' || fields.number)"
    ).fetchone()[0]
    if strays:
        raise DamagedFileError(path, f"its catalogue names {strays} columns that are missing")
    return False


def check_newness(path: Path, version: int) -> None:
    """Raise :class:`~tsmon.errors.StoreError` if a newer tsmon has written the file."""
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer tsmon (schema {version}, this one knows {SCHEMA_VERSION}); "
            "upgrade tsmon, or name another file"
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
