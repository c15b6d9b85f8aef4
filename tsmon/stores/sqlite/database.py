"""The open file: its lock, its two connections, and what happens when it turns out to be damaged.

Every method may be called from any thread: writing excludes writing, reading excludes reading, neither waits
for the other. A damaged file is renamed and a new one begun, by whichever thread meets the damage.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tsmon.errors import StoreError
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.rollups import Layout, refresh
from tsmon.stores.sqlite.schema import open_for_reading, open_for_writing
from tsmon.stores.sqlite.sqlite_errors import DamagedFileError, translated
from tsmon.stores.sqlite.writer import Refusals, Writer
from tsmon.stores.sqlite.writer_lock import WriterLock

__all__ = ["Database"]

_log = logging.getLogger("tsmon")

T = TypeVar("T")


class Database:
    """One file, open for writing by this process alone, or for reading."""

    def __init__(self, path: Path, *, read_only: bool, tiers: Sequence[RollupTier] | None = None) -> None:
        self.path = path
        self._tiers = tiers
        self._read_only = read_only
        self._lock = WriterLock(path)
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._reader: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._generation = 0
        self._closed = False

    def open(self) -> None:
        """Open the file, made where it is missing; raises :class:`StoreError`."""
        with translated(self.path):
            if self._read_only:
                with self._reading:
                    self._connected_reader()
                return
            if not self.path.parent.exists():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        try:
            with self._writing:
                self._connected_writer()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the file; a question being answered is broken off."""
        self._closed = True
        reader = self._reader
        if reader is not None:
            reader.interrupt()
        with self._writing, self._reading:
            self._disconnect()
        self._lock.release()

    def write(self, lines: bytes) -> Refusals:
        """Store lines, in a new file where this one turns out to be damaged."""
        return self._change(lambda _, writer: writer.write(lines))

    def change(self, change: Callable[[sqlite3.Connection, Callable[[], None]], T]) -> T:
        """Let ``change`` alter the file; it calls its second argument before it removes names or series."""
        return self._change(lambda connection, writer: change(connection, writer.forget))

    def change_tiers(self, tiers: Sequence[RollupTier]) -> None:
        """Keep these rollups from now on."""
        self._tiers = tiers

        def step(connection: sqlite3.Connection, writer: Writer) -> None:
            writer.forget_marks()
            Layout.set(connection, tiers)

        self._change(step)

    def refresh(self) -> bool:
        """Recompute some of the rollups that writes have touched; return whether there is more to do."""

        def step(connection: sqlite3.Connection, writer: Writer) -> bool:
            writer.forget_marks()
            return refresh(connection)

        return self._change(step)

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer to ``question``."""
        seen = self._generation
        try:
            return self._answer(question)
        except DamagedFileError as error:
            if self._read_only:
                raise
            with self._writing:
                if seen == self._generation:
                    self._put_aside(error)
                self._connected_writer()
            return self._answer(question)

    def _change(self, change: Callable[[sqlite3.Connection, Writer], T]) -> T:
        if self._read_only:
            raise StoreError(f"{self.path} was opened to be read only; open it without read_only to write")
        with self._writing:
            try:
                with translated(self.path):
                    return change(*self._connected_writer())
            except DamagedFileError as error:
                self._put_aside(error)
            with translated(self.path):
                return change(*self._connected_writer())

    def _answer(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._reading, translated(self.path):
            return question(self._connected_reader())

    def _connected_writer(self) -> tuple[sqlite3.Connection, Writer]:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        if self._connection is None or self._writer is None:
            try:
                with translated(self.path):
                    self._connection = open_for_writing(self.path)
            except DamagedFileError as error:
                self._put_aside(error)
                with translated(self.path):
                    self._connection = open_for_writing(self.path)
            if self._tiers is not None:
                with translated(self.path):
                    Layout.set(self._connection, self._tiers)
            self._writer = Writer(self._connection)
        return self._connection, self._writer

    def _connected_reader(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        if self._read_only and self._reader is not None and _identity(self.path) != self._identity:
            # The writer has put the file aside and begun a new one.
            self._reader.close()
            self._reader = None
        if self._reader is None:
            self._identity = _identity(self.path)
            self._reader = open_for_reading(self.path)
        return self._reader

    def _put_aside(self, error: DamagedFileError) -> None:
        """Rename the file and what belongs to it, so that nothing of it is lost; the log names the new name."""
        with self._reading:
            self._disconnect()
            aside = self.path.with_name(f"{self.path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
            with translated(self.path):
                for suffix in ("-wal", "-shm", ""):
                    with contextlib.suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
            self._generation += 1
        _log.error("%s is damaged (%s): it is now %s, and a new file is begun", self.path, error.reason, aside)

    def _disconnect(self) -> None:
        """Close both connections, the writer's last: it then copies the log into the file and removes it."""
        for connection in (self._reader, self._connection):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._reader = self._connection = self._writer = None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
