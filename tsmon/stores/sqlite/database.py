"""The open file: its lock, its two connections, and its replacement when it is damaged, deleted or replaced.

Every method may be called from any thread. One thread writes and one reads at a time; neither waits for the other.
The thread that meets damage renames the file and creates a new one, into which it recovers what can be read, for a
second; the rest is recovered in steps, see :meth:`Database.recover`. Before each use and after each write it is
checked that the path still names the open file, so nothing is acknowledged that went into a deleted one.
"""

import contextlib
import ctypes
import logging
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.file_mark import ForeignFileError, check_companions, check_mark
from tsmon.stores.sqlite.open_files import OpenFiles
from tsmon.stores.sqlite.quarantine import quarantine
from tsmon.stores.sqlite.recovery import PendingRecoveries
from tsmon.stores.sqlite.rollups import Layout, refresh
from tsmon.stores.sqlite.schema import open_for_reading, open_for_writing
from tsmon.stores.sqlite.sqlite_errors import DamagedFileError, translate_errors
from tsmon.stores.sqlite.writer import Refusals, Writer
from tsmon.stores.sqlite.writer_lock import WriterLock
from tsmon.threads.native import create_lock

if TYPE_CHECKING:
    from _thread import LockType

__all__ = ["Database", "FileReplacedError", "is_inherited"]

_log = logging.getLogger("tsmon")

T = TypeVar("T")

FORK_WAIT_S: Final = 0.1
"""How long a fork waits for the end of a transaction or query."""

FIRST_RECOVERY_S: Final = 1.0
"""How long the call that meets damage recovers points before it continues."""

RECOVERY_STEP_S: Final = 0.05

TRIES: Final = 5
"""How often a write is repeated because the file was replaced meanwhile."""

_open: "weakref.WeakSet[Database]" = weakref.WeakSet()
_inherited: set[Path] = set()


class FileReplacedError(StoreUnavailableError):
    """What was begun with one file cannot be continued with the one that follows."""


class Database:
    """One file, open for writing by this process alone, or for reading."""

    def __init__(self, path: Path, *, read_only: bool, tiers: Sequence[RollupTier] | None = None) -> None:
        self.path = path
        self._tiers = tiers
        self._read_only = read_only
        self._lock = WriterLock(path)
        self._writing = create_lock()
        self._reading = create_lock()
        self._connection: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._reader: sqlite3.Connection | None = None
        self._place = OpenFiles(path, "points")
        self._pending = PendingRecoveries(path)
        self._generation = 0
        self._closed = False
        self._held_for_fork: list[LockType] = []

    def open(self) -> None:
        """Open the file, and create it if it is missing; raises :class:`StoreError`."""
        _open.add(self)
        with translate_errors(self.path):
            if self._read_only:
                with self._reading:
                    self._connect_reader()
                return
            check_mark(self.path)
            check_companions(self.path)
            missing = [one for one in self.path.parents if not one.exists()]
            if missing:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except BaseException:
                for one in missing:
                    with contextlib.suppress(OSError):
                        one.rmdir()
                raise
        try:
            with self._writing:
                self._pending.find()
                self._connect_writer()
                self._recover(FIRST_RECOVERY_S)
        except BaseException:
            self._pending.close()
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the file; interrupts a query that is running."""
        self._closed = True
        reader = self._reader
        if reader is not None:
            reader.interrupt()
        with self._writing, self._reading:
            self._pending.close()
            self._disconnect()
        self._lock.release()
        _open.discard(self)

    def prepare_fork(self) -> None:
        """Close the connections, which open again at their next use: SQLite's state must not pass to a child.

        A transaction or query that is under way keeps its connection, and the child will leave the file alone.
        """
        if self._writing.acquire(timeout=FORK_WAIT_S):
            self._held_for_fork.append(self._writing)
        if self._reading.acquire(timeout=FORK_WAIT_S):
            self._held_for_fork.append(self._reading)
        if len(self._held_for_fork) == 2:
            self._disconnect()

    def continue_after_fork(self) -> None:
        """In the parent."""
        while self._held_for_fork:
            self._held_for_fork.pop().release()

    def forget_after_fork(self) -> None:
        """In the child, where this database is of no use: leave everything to the parent. Idempotent."""
        self._closed = True
        self._lock.release()
        for connection in (self._connection, self._reader):
            if connection is not None:
                _inherited.add(self.path.absolute())
                # Closing it would release or change what the parent uses, so it is never collected.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        self._connection = self._reader = None

    @property
    def generation(self) -> int:
        """How many files were used before this one."""
        return self._generation

    def write(self, lines: bytes) -> Refusals:
        """Store lines; if the file turns out to be damaged, deleted or replaced, in the one that follows."""
        for _ in range(TRIES):
            refusals = self._change(lambda _, writer: writer.write(lines))
            if self._is_in_place():
                return refusals
        raise StoreUnavailableError(
            f"{self.path} is deleted or replaced again and again; end the program that does it"
        )

    def change(
        self, change: Callable[[sqlite3.Connection, Callable[[], None]], T], *, generation: int | None = None
    ) -> T:
        """Run ``change`` on the file; it calls its second argument before it removes measurements or series.

        With ``generation``, :class:`FileReplacedError` is raised if another file is used now.
        """

        def step(connection: sqlite3.Connection, writer: Writer) -> T:
            if generation not in (None, self._generation):
                raise FileReplacedError(f"{self.path} was replaced meanwhile; try again")
            return change(connection, writer.forget)

        return self._change(step)

    def take_in(self) -> None:
        """Notice whether the file was deleted or replaced, and then use the one that follows."""
        if not self._read_only and not self._is_in_place():
            with contextlib.suppress(StoreError):  # the next write or query reports it
                self._change(lambda *_: None)

    def change_tiers(self, tiers: Sequence[RollupTier]) -> None:
        """Keep rollups in these tiers from now on."""
        self._tiers = tiers

        def step(connection: sqlite3.Connection, writer: Writer) -> None:
            writer.forget_marks()
            Layout.change(connection, tiers)

        self._change(step)

    def refresh(self) -> bool:
        """Recompute some of the rollups that writes have made outdated; return whether more are."""

        def step(connection: sqlite3.Connection, writer: Writer) -> bool:
            writer.forget_marks()
            return refresh(connection)

        return self._change(step)

    @property
    def is_recovering(self) -> bool:
        """Whether there is something to do for :meth:`recover`."""
        return bool(self._pending)

    def recover(self) -> bool:
        """Recover some more of damaged files; return whether there is more to do now."""
        if not self._pending:
            return False
        with self._writing:
            self._connect_writer()
            return self._recover(RECOVERY_STEP_S) and bool(self._pending)

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` and return its result."""
        seen = self._generation
        if not self._read_only and not self._is_in_place():
            self._change(lambda *_: None)
        try:
            return self._query(query)
        except DamagedFileError as error:
            if self._read_only:
                raise
            with self._writing:
                if seen == self._generation:
                    self._quarantine(error)
                self._connect_writer()
                self._recover(FIRST_RECOVERY_S)
            return self._query(query)

    def _change(self, change: Callable[[sqlite3.Connection, Writer], T]) -> T:
        if self._read_only:
            raise StoreError(f"{self.path} is open read only; open it without read_only to write")
        with self._writing:
            try:
                with translate_errors(self.path):
                    return change(*self._connect_writer())
            except DamagedFileError as error:
                self._quarantine(error)
            self._connect_writer()
            self._recover(FIRST_RECOVERY_S)
            with translate_errors(self.path):
                return change(*self._connect_writer())

    def _recover(self, limit_s: float) -> bool:
        """Take steps of recoveries for so long; return False if one failed, which is repeated at the next call."""
        end = time.monotonic() + limit_s
        while self._pending and time.monotonic() < end:
            try:
                with translate_errors(self.path):
                    connection, writer = self._connect_writer()
                    self._pending.step(connection, writer.forget)
            except DamagedFileError as error:
                self._quarantine(error)
            except StoreError as error:
                self._pending.report_failure(error)
                return False
        return True

    def _query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with self._reading, translate_errors(self.path):
            return query(self._connect_reader())

    def _connect_writer(self) -> tuple[sqlite3.Connection, Writer]:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        with translate_errors(self.path):
            self._follow()
        if self._connection is None or self._writer is None:
            try:
                self._open_connection()
            except DamagedFileError as error:
                self._quarantine(error)
                self._open_connection()
            assert self._connection is not None
            if self._tiers is not None:
                with translate_errors(self.path):
                    Layout.change(self._connection, self._tiers)
            self._writer = Writer(self._connection)
            # It must be there before the file can be deleted: see OpenFiles.abandon.
            if self._reading.acquire(blocking=False):
                try:
                    with contextlib.suppress(StoreUnavailableError), translate_errors(self.path):
                        self._connect_reader()
                finally:
                    self._reading.release()
        return self._connection, self._writer

    def _open_connection(self) -> None:
        with translate_errors(self.path):
            self._connection = open_for_writing(self.path)
            self._place.note()

    def _is_in_place(self) -> bool:
        """Whether the path names the open file, and its lock the one that is held."""
        return self._closed or (self._place.is_in_place and self._lock.is_in_place)

    def _follow(self) -> None:
        """If the file, its log or its lock was deleted or replaced, let the next use be of the new one."""
        if self._read_only or self._is_in_place():
            return
        change = self._place.describe_change()
        if change is not None:
            with self._reading:
                if not self._place.abandon(self._connection, self._reader):
                    return
                self._reader = self._connection = self._writer = None
            self._generation += 1
            _log.error("%s", change)
        if not self._lock.is_in_place:
            # Another process may have taken the lock, and write the file, since.
            with self._reading:
                self._disconnect()
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.release()
            self._lock.acquire()
            _log.warning("the lock file of %s was deleted while it was in use; there is a new one", self.path)

    def _connect_reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        if self._read_only and self._reader is not None and not self._place.is_in_place:
            # The writer has quarantined the file and created a new one.
            self._reader.close()
            self._reader = None
            self._place.forget()
        if self._reader is None:
            self._reader = open_for_reading(self.path)
            if self._read_only:
                self._place.note()
        return self._reader

    def _quarantine(self, error: DamagedFileError) -> None:
        """Rename the file and its log, so that nothing is lost; the new name is logged.

        Raises :class:`~tsmon.stores.sqlite.file_mark.ForeignFileError` if another program has overwritten the file.
        """
        with self._reading, translate_errors(self.path):
            try:
                check_mark(self.path, also_held=True)
            except ForeignFileError:
                self._place.abandon(self._connection, self._reader, save=False)
                self._reader = self._connection = self._writer = None
                self._generation += 1
                raise
            self._disconnect()
            quarantined = quarantine(self.path)
            self._generation += 1
        _log.error(
            "%s is damaged (%s): it was renamed to %s, and a new file is used; what can be read is recovered now",
            self.path,
            error.reason,
            quarantined,
        )
        self._pending.add(quarantined)

    def _disconnect(self) -> None:
        """Close both connections, the writer's last: it then copies the log into the file and removes the log."""
        for connection in (self._reader, self._connection):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._connection = self._writer = None
        self._place.forget()


def is_inherited(path: Path) -> bool:
    """Whether this process is a fork of one that was using ``path``, so that SQLite must not open it here."""
    return bool(_inherited) and path.absolute() in _inherited


def _prepare_fork() -> None:
    for database in list(_open):
        database.prepare_fork()


def _continue_in_parent() -> None:
    for database in list(_open):
        database.continue_after_fork()


def _forget_in_child() -> None:
    for database in list(_open):
        database.forget_after_fork()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare_fork, after_in_parent=_continue_in_parent, after_in_child=_forget_in_child)
