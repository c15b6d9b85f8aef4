"""SQLite's errors as tsmon's exceptions, with the remedy."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError, StoreUnavailableError

__all__ = ["DamagedFileError", "translate_errors"]


class DamagedFileError(StoreError):
    """The file is not an SQLite database, or its pages contradict each other."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged ({reason}); the process that writes it recovers what can be read")
        self.reason = reason


_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space, or shorten the retention",
    sqlite3.SQLITE_IOERR: "the disk failed or is full; check its free space and the kernel's log",
    sqlite3.SQLITE_READONLY: "writing is not permitted; give this user write access to file and directory",
    sqlite3.SQLITE_PERM: "access is not permitted; give this user access to file and directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that it exists, and this user's access to its directory",
    sqlite3.SQLITE_BUSY: "another program has locked it; end that program",
    sqlite3.SQLITE_LOCKED: "another program has locked it; end that program",
    sqlite3.SQLITE_NOMEM: "memory is exhausted; free some",
}


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise errors inside as :class:`StoreError` that names ``path``, the reason and the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code, the rest says where in SQLite the error arose.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _DAMAGED:
            raise DamagedFileError(path, str(error)) from error
        if code in _REMEDIES:
            raise StoreUnavailableError(f"{path}: {_REMEDIES[code]} ({error})") from error
        raise StoreError(f"{path}: SQLite failed: {error}") from error
    except OSError as error:
        place = error.filename or path
        raise StoreUnavailableError(
            f"{path}: {error.strerror or error} at {place}; check the path and this user's access to it"
        ) from error
