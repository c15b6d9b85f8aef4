"""Maintenance of the file, also while it is written: an integrity check, its size, a backup."""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tsmon.errors import StoreUnavailableError
from tsmon.stores.sqlite.schema import open_for_reading
from tsmon.stores.sqlite.sqlite_errors import DamagedFileError, translate_errors

__all__ = ["FileSize", "backup", "check", "measure"]

PAGES: Final = 4096
"""Pages of one step of a backup, between which its progress is reported."""


@dataclass(frozen=True, slots=True)
class FileSize:
    """Bytes of the file and of its write-ahead log, number of series, and number of rows of each measurement.

    The points of one series and time are one row.
    """

    file_bytes: int
    log_bytes: int
    series: int
    rows: Mapping[str, int]


def check(path: Path) -> list[str]:
    """Everything that SQLite finds wrong with the file; empty if it is intact. Reads all of it.

    Raises :class:`~tsmon.errors.StoreError` if there is no file, or if it belongs to another program.
    """
    try:
        with translate_errors(path), contextlib.closing(open_for_reading(path)) as connection:
            findings = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except DamagedFileError as error:
        return [error.reason]
    return [line for finding in findings if finding != "ok" for line in finding.splitlines()]


def measure(path: Path) -> FileSize:
    """Size of the file; reads all of it to count the rows."""
    with translate_errors(path), contextlib.closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        names = connection.execute("SELECT id, name FROM measurements ORDER BY name").fetchall()
        rows = {name: connection.execute(f"SELECT count(*) FROM m{id_}").fetchone()[0] for id_, name in names}
        series = connection.execute("SELECT count(*) FROM series").fetchone()[0]
        log = Path(f"{path}-wal")
        log_bytes = log.stat().st_size if log.exists() else 0
        return FileSize(path.stat().st_size, log_bytes, series, rows)


def backup(
    path: Path, destination: Path, *, report: Callable[[int, int], None] = lambda _done, _total: None
) -> None:
    """Copy the file as it is at this moment to ``destination``, which must not exist.

    ``report`` is called with the number of pages that are copied, and of all.

    The copy is one file, complete, or absent or empty if it was interrupted. It is made in one read transaction,
    during which the write-ahead log grows.
    """
    with translate_errors(path), contextlib.closing(open_for_reading(path)) as source:
        try:
            destination.open("xb").close()
        except FileExistsError:
            raise StoreUnavailableError(f"{destination} exists; name a file that does not") from None
        try:
            with translate_errors(destination), contextlib.closing(sqlite3.connect(destination)) as copy:
                # Within one transaction, writes of others between two steps do not begin the copy again.
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()
                source.backup(copy, pages=PAGES, progress=lambda _, left, total: report(total - left, total))
                # Without a log beside it, so that the copy can be moved and read anywhere.
                copy.execute("PRAGMA journal_mode = DELETE")
        except BaseException:
            # A leftover journal would be applied to the next file of that name.
            for suffix in ("", "-journal"):
                Path(f"{destination}{suffix}").unlink(missing_ok=True)
            raise
