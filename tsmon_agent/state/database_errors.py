"""Errors of the database, each as one sentence: what is wrong, and how to mend it."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from tsmon.errors import StateConflictError, StateError, StateUnavailableError
from tsmon.logs.error_texts import describe_error
from tsmon_agent.state.urls import format_url

__all__ = ["translate_errors"]

_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk failed or is full; check its free space and the kernel's log",
    sqlite3.SQLITE_READONLY: "writing is not permitted; give this user write access to file and directory",
    sqlite3.SQLITE_PERM: "access is not permitted; give this user access to file and directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its directory exists, and this user's access to it",
    sqlite3.SQLITE_BUSY: "another program holds it locked; end that program",
    sqlite3.SQLITE_LOCKED: "another program holds it locked; end that program",
}

_UNREACHABLE: Final = re.compile(r"08|53|57")
"""Classes of PostgreSQL's SQLSTATE: connection, resources, operator intervention."""


@contextmanager
def translate_errors(url: URL) -> Iterator[None]:
    """Raise the errors inside as :class:`StateError` that names the database, the reason and the remedy."""
    try:
        yield
    except IntegrityError as error:
        raise StateConflictError(
            f"{format_url(url)}: the change contradicts what is stored: {_format_reason(error, url)}"
        ) from error
    except DBAPIError as error:
        raise _translate_driver_error(error, url) from error
    except sqlite3.Error as error:
        raise _translate_sqlite_error(error, url, str(error)) from error
    except SQLAlchemyError as error:
        raise StateError(f"{format_url(url)}: SQLAlchemy failed: {_cut_reason(error, url)}") from error
    except OSError as error:
        raise StateUnavailableError(
            f"{format_url(url)}: {describe_error(error)}; check the path and this user's access to it"
        ) from error


def _translate_sqlite_error(error: sqlite3.Error, url: URL, reason: str) -> StateError:
    # The low byte is the primary code; the rest says where in SQLite the error arose.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return StateError(
            f"{format_url(url)} is damaged ({reason}); replace it by a copy, or move it away to start afresh"
        )
    if code in _REMEDIES:
        return StateUnavailableError(f"{format_url(url)}: {_REMEDIES[code]} ({reason})")
    return StateError(f"{format_url(url)}: SQLite failed: {reason}")


def _translate_driver_error(error: DBAPIError, url: URL) -> StateError:
    name, reason = format_url(url), _format_reason(error, url)
    if isinstance(error.orig, sqlite3.Error):
        return _translate_sqlite_error(error.orig, url, reason)
    sqlstate = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or (sqlstate is None and error.statement is None):
        return StateUnavailableError(
            f"the state's database {name} cannot be reached: {reason}; start it, or correct state.url"
        )
    if sqlstate and _UNREACHABLE.match(sqlstate):
        return StateUnavailableError(f"the state's database {name} does not answer: {reason}; check the server")
    return StateError(f"{name}: the database refuses: {reason}")


def _format_reason(error: DBAPIError, url: URL) -> str:
    return _cut_reason(error.orig or error, url)


def _cut_reason(error: BaseException, url: URL) -> str:
    """Take the first line of a message, without SQLAlchemy's link, and mask a password in it."""
    reason = str(error).strip().partition("\n")[0].partition(" (Background on this error")[0].rstrip(".")
    password = str(url.password or "")
    return reason.replace(password, "***") if len(password) > 3 else reason
