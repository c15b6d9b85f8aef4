"""A file that several processes write: one owns it, the others hand their lines over to it."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tsmon.errors import StoreError
from tsmon.logs.error_texts import describe_error
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.database import Database, is_inherited
from tsmon.stores.sqlite.handover import HandOver
from tsmon.stores.sqlite.sqlite_errors import translate_errors
from tsmon.stores.sqlite.writer import Refusals
from tsmon.stores.sqlite.writer_lock import FileOwnedError

__all__ = ["SharedDatabase"]

_log = logging.getLogger("tsmon")

TAKE_IN_S: Final = 1.0
"""Seconds for which lines of other processes are stored at one time."""


class SharedDatabase(Database):
    """Writes the file, or hands lines over to the process that does; becomes the owner when that one has ended.

    The owner stores what was handed over when it opens the file, in :meth:`take_in`, and when it closes the file.
    Whoever closes looks once more after it has released the file, so that nothing stays behind.
    """

    def __init__(
        self, path: Path, *, tiers: Sequence[RollupTier] | None, on_taken_in: Callable[[int, int], None]
    ) -> None:
        super().__init__(path, read_only=True, tiers=tiers)
        self._handover = HandOver(path)
        self._on_taken_in = on_taken_in

    @property
    def _is_owner(self) -> bool:
        return not self._read_only

    def open(self) -> None:
        """See :meth:`Database.open`; if another process owns the file, prepare to hand over."""
        if self._own():
            self.take_in()
            return
        with translate_errors(self.path):
            self._handover.enter()
        _log.info("%s is written by another process; points of this one are handed over to it", self.path)

    def write(self, lines: bytes) -> Refusals:
        """Store lines, or put them where the owner of the file finds them; both survive the end of the process."""
        if self._is_owner or self._own():
            with contextlib.suppress(FileOwnedError):
                return super().write(lines)
            # The lock file was deleted, and another process has taken a new one.
            self._read_only = True
        with translate_errors(self.path):
            self._handover.put(lines)
        # The owner may have ended before it saw them.
        if self._own():
            self.take_in()
        return Refusals()

    def take_in(self) -> None:
        """Store what other processes have handed over; notice whether the file was deleted or replaced."""
        super().take_in()
        with translate_errors(self.path):
            if not self._is_owner:
                self._handover.verify()
            if self._is_owner or (self._handover.list_segments() and self._own()):
                self._handover.take(super().write, self._on_taken_in, limit_s=TAKE_IN_S)

    def close(self) -> None:
        """See :meth:`Database.close`."""
        try:
            if self._is_owner:
                with contextlib.suppress(StoreError):
                    self.take_in()
        finally:
            super().close()
            self._handover.leave()
        self._store_what_is_left()

    def forget_after_fork(self) -> None:
        """See :meth:`Database.forget_after_fork`."""
        super().forget_after_fork()
        self._handover.forget_after_fork()

    def _own(self) -> bool:
        """Try to become the owner; False if another process is."""
        if is_inherited(self.path):
            return False
        self._read_only = False
        try:
            super().open()
        except BaseException as error:
            self._read_only = True
            if isinstance(error, FileOwnedError):
                return False
            raise
        self._handover.leave()
        return True

    def _store_what_is_left(self) -> None:
        """If nobody owns the file now, store what was handed over while the last owner closed it."""
        try:
            while self._handover.list_segments() and not is_inherited(self.path):
                database = Database(self.path, read_only=False, tiers=self._tiers)
                database.open()
                try:
                    self._handover.take(database.write, self._on_taken_in, limit_s=TAKE_IN_S)
                finally:
                    database.close()
        except FileOwnedError:
            pass
        except (StoreError, OSError) as error:
            _log.error(
                "points that were handed over wait for the next process that writes %s: %s",
                self.path,
                describe_error(error),
            )
