"""Recoveries that are under way, or that the last process did not finish.

An empty file beside the damaged one, ``<its name>.recovering``, says that its recovery is not finished.
"""

import contextlib
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError
from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.stores.sqlite.recovery.recovery import Recovery

__all__ = ["LIMIT_S", "PendingRecoveries", "marker_of"]

_log = logging.getLogger("tsmon")

LIMIT_S: Final = 900.0
"""How long one file is recovered without being asked."""


class PendingRecoveries:
    """Damaged files beside ``path``, which are recovered one after the other; true while there are any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: deque[Path] = deque()
        self._current: Recovery | None = None
        self._end = 0.0
        self._failures = RateLimitedLog()

    def __bool__(self) -> bool:
        return bool(self._files)

    def find(self) -> None:
        """Add files whose recovery was not finished."""
        with contextlib.suppress(OSError):
            for marker in sorted(self._path.parent.glob("*.recovering")):
                damaged = marker.with_suffix("")
                if damaged.name.startswith(f"{self._path.name}.damaged-") and damaged not in self._files:
                    self._files.append(damaged)

    def add(self, damaged: Path) -> None:
        """Recover this file after the others."""
        with contextlib.suppress(OSError):
            marker_of(damaged).touch(0o600)
        self._files.append(damaged)

    def step(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> None:
        """Take a step of the first; log its end. Raises ``sqlite3.Error``, and then it is repeated."""
        damaged = self._files[0]
        if self._current is None:
            try:
                self._current = Recovery(damaged)
            except OSError as error:
                _log.error("%s cannot be read (%s); nothing of it was recovered", damaged, error.strerror or error)
                self._finish()
                return
            self._end = time.monotonic() + LIMIT_S
        try:
            is_under_way = self._current.step(connection, forget)
        except (ArithmeticError, LookupError, OSError, TypeError, ValueError) as error:
            # No damage may keep points from being written.
            _log.exception("%s cannot be recovered further (%s); that file is kept", damaged, describe_error(error))
            self._finish()
            return
        if not is_under_way:
            _log.error("%s; that file is kept", self._current.describe())
            self._finish()
        elif time.monotonic() > self._end:
            _log.error(
                "%s in %d s; the rest of it can be recovered by tsmon-agent db recover %s",
                self._current.describe(),
                LIMIT_S,
                damaged,
            )
            self._finish()

    def report_failure(self, error: StoreError) -> None:
        """Log that a step failed, now and then."""
        self._failures.warning("recovery", f"the recovery of {self._files[0]} waits: {error}")

    def close(self) -> None:
        """Leave what is not finished to the next process."""
        if self._current is not None:
            self._current.close()
            self._current = None
        self._files.clear()

    def _finish(self) -> None:
        damaged = self._files.popleft()
        if self._current is not None:
            self._current.close()
            self._current = None
        with contextlib.suppress(OSError):
            marker_of(damaged).unlink(missing_ok=True)


def marker_of(damaged: Path) -> Path:
    """The file that says that a recovery is not finished."""
    return damaged.with_name(f"{damaged.name}.recovering")
