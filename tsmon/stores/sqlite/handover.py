"""Lines that other processes hand over to the one that writes the file, in a directory beside it.

A batch is a segment as in the spool. It gets its name, ``<time>-<process>-<number>.seg``, when it is complete and
on disk. The owner of the file stores it and then removes it. If the owner is killed in between, the next one stores
it again, which changes nothing. A process that hands over holds a lock on ``<process>-….lock`` until it is done, so
the owner learns when one was killed.
"""

import contextlib
import itertools
import logging
import os
import re
import secrets
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tsmon.errors import StoreUnavailableError
from tsmon.files.file_lock import try_lock
from tsmon.line_protocol.line_splitter import split_lines
from tsmon.spool.ownership import make_directory, sync_directory
from tsmon.spool.segment import CorruptSegmentError, SegmentHeader, SegmentWriter, read_records, scan
from tsmon.stores.sqlite.file_mark import file_identity
from tsmon.stores.sqlite.writer import Refusals

__all__ = ["HandOver"]

_log = logging.getLogger("tsmon")

MAX_BYTES: Final = 256_000_000
"""What may wait beside one file; then the lines stay with the processes that have them."""

BATCH_BYTES: Final = 2_000_000
"""Lines of several segments are stored together up to this size."""

ENTRIES: Final = 10
"""How often an entry is tried while the owner removes the directory."""

PART: Final = ".part"
_segment_name: Final = re.compile(r"\d{20}-\d+-\d+\.seg")
_lock_name: Final = re.compile(r"(\d+)-[0-9a-f]{8}\.lock")
_part_name: Final = re.compile(r"\d+-(\d+)-\d+\.part")
"""Names of tsmon's own files; others in the directory are left alone."""
_entered: "weakref.WeakSet[HandOver]" = weakref.WeakSet()


class HandOver:
    """The directory beside ``path``, for both sides. Not thread-safe. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.directory = Path(f"{path}.handover")
        """It exists while somebody hands over."""
        self._presence: tuple[Path, int] | None = None
        self._numbers = itertools.count()
        self._waiting: dict[str, int] = {}
        """Segments of this process that waited when it last looked, and their lines."""

    def enter(self) -> None:
        """Announce that this process hands over lines until :meth:`leave`. Idempotent."""
        if self._presence is not None:
            return
        for tries in range(ENTRIES):
            try:
                self._presence = self._enter()
                break
            except (FileNotFoundError, FileExistsError):
                # The owner has just removed the empty directory.
                if tries == ENTRIES - 1:
                    raise
        _entered.add(self)

    def _enter(self) -> tuple[Path, int]:
        make_directory(self.directory)
        path = self.directory / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        unlocked = path.with_suffix(PART)
        descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            try_lock(descriptor)
            unlocked.rename(path)
        except OSError:
            os.close(descriptor)
            unlocked.unlink(missing_ok=True)
            raise
        return path, descriptor

    def leave(self) -> None:
        """All was handed over. Idempotent."""
        if self._presence is not None:
            path, descriptor = self._presence
            self._presence = None
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            os.close(descriptor)
            _entered.discard(self)
            self.remove_if_empty()

    def forget_after_fork(self) -> None:
        """In a forked child: the presence is the parent's."""
        if self._presence is not None:
            os.close(self._presence[1])
            self._presence = None

    def put(self, lines: bytes) -> None:
        """Hand over lines; when this returns, they are on disk."""
        self.verify()
        self.enter()
        waiting = self._count_bytes()
        if waiting > MAX_BYTES:
            raise StoreUnavailableError(
                f"{waiting} bytes wait in {self.directory} for the process that writes {self._path}; "
                "check that process, and the disk's free space"
            )
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}"
        part = self.directory / (name + PART)
        header = SegmentHeader(url=self._path.absolute().as_uri(), org="", bucket="", created_ns=time.time_ns())
        writer = SegmentWriter(part, header)
        try:
            count = sum(1 for _ in split_lines(lines.decode(errors="surrogateescape")))
            writer.append(lines, count, sync=True)
            writer.close()
            part.rename(self.directory / f"{name}.seg")
            self._waiting[f"{name}.seg"] = count
        except BaseException:
            writer.discard()
            raise
        sync_directory(self.directory)

    def verify(self) -> None:
        """Notice whether somebody else has deleted the directory, and what waited in it; log the loss."""
        if self._presence is None:
            return
        path, descriptor = self._presence
        held = os.fstat(descriptor)
        if file_identity(path) == (held.st_dev, held.st_ino):
            return
        self._presence = None
        os.close(descriptor)
        lost, self._waiting = sum(self._waiting.values()), {}
        _log.error(
            "%s was deleted while it was in use; up to %d points that waited in it for the process that writes %s "
            "are lost",
            self.directory,
            lost,
            self._path,
        )
        self.enter()

    def _count_bytes(self) -> int:
        size, known, self._waiting = 0, self._waiting, {}
        with os.scandir(self.directory) as entries:
            for entry in entries:
                if entry.name in known:
                    self._waiting[entry.name] = known[entry.name]
                with contextlib.suppress(FileNotFoundError):  # The owner has just stored it.
                    size += entry.stat().st_size
        return size

    def list_segments(self) -> list[Path]:
        """What waits, oldest first."""
        try:
            return sorted(path for path in self.directory.iterdir() if _segment_name.fullmatch(path.name))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def take(
        self, write: Callable[[bytes], Refusals], count: Callable[[int, int], None], *, limit_s: float
    ) -> None:
        """Store by ``write`` what waits, for about ``limit_s`` seconds; only the owner of the file may do this.

        ``count`` is called with the numbers of lines and of refused lines.
        """
        end = time.monotonic() + limit_s
        taken: list[Path] = []
        batch: list[bytes] = []
        lines = 0
        for path in self.list_segments():
            try:
                _, first, found, _ = scan(path)
                batch += [record.data() for record in read_records(path, first)]
            except CorruptSegmentError as error:
                damaged = path.with_suffix(".damaged")
                path.rename(damaged)
                _log.error("%s; it was renamed to %s, its points are not stored", error, damaged)
                continue
            lines += found
            taken.append(path)
            if sum(map(len, batch)) >= BATCH_BYTES:
                self._store(batch, taken, lines, write, count)
                lines = 0
            if time.monotonic() > end:
                break
        self._store(batch, taken, lines, write, count)
        self.report_killed()
        self.remove_if_empty()

    def report_killed(self) -> None:
        """Log which processes were killed while they handed over, and remove what they left."""
        if not self.directory.is_dir():
            return
        for lock in self.directory.glob("*.lock"):
            match = _lock_name.fullmatch(lock.name)
            if match is None:
                continue
            if self._presence is not None and lock == self._presence[0]:
                continue
            try:
                descriptor = os.open(lock, os.O_RDWR)
            except OSError:
                continue
            try:
                try_lock(descriptor)
            except OSError:
                continue
            finally:
                os.close(descriptor)
            process = match[1]
            _log.error(
                "process %s, which handed its points over for %s, was killed or ended by os._exit(); "
                "points that it emitted after its last flush, if any, are lost",
                process,
                self._path,
            )
            for part in self.directory.glob(f"*{PART}"):
                if (found := _part_name.fullmatch(part.name)) is not None and found[1] == process:
                    part.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)

    def remove_if_empty(self) -> None:
        """Remove the directory if nobody hands over and nothing waits."""
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def _store(
        self,
        batch: list[bytes],
        taken: list[Path],
        lines: int,
        write: Callable[[bytes], Refusals],
        count: Callable[[int, int], None],
    ) -> None:
        if not taken:
            return
        refusals = write(b"\n".join(batch))
        if refusals.count:
            _log.error(
                "%s refused %d points that another process has handed over; they are lost; %s",
                self._path,
                refusals.count,
                refusals.first,
            )
        count(lines, refusals.count)
        for path in taken:
            path.unlink(missing_ok=True)
        batch.clear()
        taken.clear()


def _forget_in_child() -> None:
    for handover in list(_entered):
        handover.forget_after_fork()
    _entered.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
