"""Looking after the file: is it whole, how large is it, a copy of it. All may be done while it is written."""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tsmon.errors import StoreUnavailableError
from tsmon.stores.sqlite.schema import open_for_reading
from tsmon.stores.sqlite.sqlite_errors import DamagedFileError, translated

__all__ = ["FileSize", "backup", "check", "measure"]


@dataclass(frozen=True, slots=True)
class FileSize:
    """Bytes of the file and of its write-ahead log, number of series, and of rows in each measurement.

    A row is what the points of one series and time have become.
    """

    file_bytes: int
    log_bytes: int
    series: int
    rows: Mapping[str, int]


def check(path: Path) -> list[str]:
    """Everything that SQLite finds wrong with the file; empty when it is whole. Reads all of it.

    Raises :class:`~tsmon.errors.StoreError` where there is no file or it is another program's.
    """
    try:
        with translated(path), contextlib.closing(open_for_reading(path)) as connection:
            findings = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except DamagedFileError as error:
        return [error.reason]
    return [line for finding in findings if finding != "ok" for line in finding.splitlines()]


def measure(path: Path) -> FileSize:
    """Size of the file; reads all of it to count the rows."""
    with translated(path), contextlib.closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        names = connection.execute("SELECT id, name FROM measurements ORDER BY name").fetchall()
        rows = {name: connection.execute(f"SELECT count(*) FROM m{id_}").fetchone()[0] for id_, name in names}
        series = connection.execute("SELECT count(*) FROM series").fetchone()[0]
        log = Path(f"{path}-wal")
        log_bytes = log.stat().st_size if log.exists() else 0
        return FileSize(path.stat().st_size, log_bytes, series, rows)


def backup(path: Path, destination: Path) -> None:
    """Copy the file as it is at this moment to ``destination``, which must not exist.

    The copy is one file, complete or (where it was interrupted) absent or empty. It is one reading
    transaction: the write-ahead log grows until it is done.
    """
    with translated(path), contextlib.closing(open_for_reading(path)) as source:
        try:
            destination.open("xb").close()
        except FileExistsError:
            raise StoreUnavailableError(f"{destination} exists; name a file that does not") from None
        try:
            with translated(destination), contextlib.closing(sqlite3.connect(destination)) as copy:
                source.backup(copy)
                # Without a log beside it, so that it can be moved and read from anywhere.
                copy.execute("PRAGMA journal_mode = DELETE")
        except BaseException:
            # A journal that stayed would be applied to the next file of that name.
            for suffix in ("", "-journal"):
                Path(f"{destination}{suffix}").unlink(missing_ok=True)
            raise
