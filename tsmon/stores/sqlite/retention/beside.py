"""Reading and noting retention in a file that this process does not have open, though another may write it.

What is noted is in tables that a writer reads each time, so a second writer does no harm. The file's lock, which
keeps other writers away, is for the points and their catalogue.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from tsmon.errors import StoreUnavailableError
from tsmon.stores.retention_policy import RetentionPolicy, RetentionStatus
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.retention.terms import read_status
from tsmon.stores.sqlite.sqlite_errors import translate_errors
from tsmon.stores.sqlite.writer_lock import find_owner

__all__ = ["change_beside", "read_unopened"]

T = TypeVar("T")

BUSY_S: Final = 10.0


def read_unopened(
    path: Path, wanted: RetentionPolicy, tiers: Sequence[RollupTier], now_ns: int
) -> RetentionStatus | None:
    """As :func:`read_status`; None if there is no file or an empty one. Changes nothing, not even beside it."""
    log = Path(f"{path}-wal")
    with translate_errors(path):
        if not path.exists():
            return None
        # Without a log the file is complete, and reading it as a database that is written would create one.
        is_live = find_owner(path) is not None or (log.exists() and log.stat().st_size > 0)
        mode = "mode=ro" if is_live else "immutable=1"
        with contextlib.closing(_connect(path, mode)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'series'").fetchone():
                return None
            return read_status(connection, wanted, tiers, now_ns)


def change_beside(path: Path, change: Callable[[sqlite3.Connection], T]) -> T:
    """Run ``change`` in the file; raises :class:`StoreUnavailableError` if there is none, or it is an older one."""
    with translate_errors(path):
        if not path.exists():
            raise StoreUnavailableError(f"{path} does not exist; there is nothing to change")
        with contextlib.closing(_connect(path, "mode=rw")) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'terms'").fetchone():
                raise StoreUnavailableError(
                    f"{path} is of an older version; start the agent once, which upgrades it"
                )
            return change(connection)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
