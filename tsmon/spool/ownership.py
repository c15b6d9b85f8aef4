"""Which process may touch which part of a spool directory.

Below the directory of a destination every process has a queue of its own, which it locks as long as it lives; the
kernel releases the lock however the process ends. A queue that is not locked is an orphan, and the process that
gets its lock adopts it. A forked child closes the inherited descriptor; it must not unlock it, because the lock
belongs to the open file that parent and child share.
"""

import contextlib
import errno
import os
import secrets
import sys
from pathlib import Path
from typing import Final

from tsmon.files.file_lock import try_lock

__all__ = ["LOCKED", "QueueDirectory", "adopt_orphans", "make_directory", "sync_directory"]

LOCK_NAME: Final = "owner.lock"
TRIES: Final = 5
LOCKED: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK})
"""Errors by which systems say that somebody else holds a lock; any other means that there are no locks."""


class QueueDirectory:
    """A queue's directory, owned by this process until :meth:`release`."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd

    @classmethod
    def create(cls, destination: Path) -> "QueueDirectory":
        """Create a queue below the directory of a destination. Raises OSError, and then leaves nothing behind."""
        failures: dict[Path, OSError] = {}
        for _ in range(TRIES):
            path = destination / f"{os.getpid()}-{secrets.token_hex(4)}"
            try:
                queue = cls._create(path)
            except OSError as error:
                failures[path] = error
                # Another process may have adopted it as an orphan before we got the lock, or looks at it.
                if error.errno not in LOCKED:
                    break
            else:
                break
        for failed in failures:
            _discard(failed)
        if path in failures:
            raise failures[path]
        return queue

    @classmethod
    def _create(cls, path: Path) -> "QueueDirectory":
        make_directory(path)
        lock_fd = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try_lock(lock_fd)
            sync_directory(path)
        except OSError:
            os.close(lock_fd)
            raise
        return cls(path, lock_fd)

    @classmethod
    def adopt(cls, path: Path) -> "QueueDirectory | None":
        """Take over the queue at ``path``; None if a process owns it."""
        try:
            lock_fd = os.open(path / LOCK_NAME, os.O_RDWR)
        except OSError:
            return None
        try:
            try_lock(lock_fd)
            if os.fstat(lock_fd).st_nlink:  # else another process has just adopted and removed it
                return cls(path, lock_fd)
        except OSError:
            pass
        os.close(lock_fd)
        return None

    def restore_lock(self) -> bool:
        """If somebody has deleted the lock file, make a new one; False if the queue is gone. Raises OSError."""
        held = os.fstat(self._lock_fd)
        path = self.path / LOCK_NAME
        try:
            status = path.stat()
        except OSError:
            status = None
        if status is not None and (status.st_dev, status.st_ino) == (held.st_dev, held.st_ino):
            return True
        if not self.path.is_dir():
            return False
        lock_fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try_lock(lock_fd)
        except OSError:
            os.close(lock_fd)
            return False
        os.close(self._lock_fd)
        self._lock_fd = lock_fd
        return True

    def list_segments(self) -> list[Path]:
        """Segment files, oldest first. Raises OSError."""
        return sorted(path for path in self.path.iterdir() if path.suffix == ".seg")

    def remove(self) -> None:
        """Delete the queue with its segments, and release it; what is not tsmon's stays."""
        if sys.platform == "win32":
            self.release()  # Open files cannot be deleted there.
        with contextlib.suppress(OSError):
            for segment in self.list_segments():
                if segment.stem.isdecimal():
                    segment.unlink()
            (self.path / LOCK_NAME).unlink(missing_ok=True)
            self.path.rmdir()
        self.release()

    def remove_if_empty(self) -> None:
        """Delete the queue unless it contains a segment, such as one that cannot be read; release it."""
        try:
            empty = not self.list_segments()
        except OSError:
            empty = False
        if empty:
            self.remove()
        self.release()

    def release(self) -> None:
        """Give up the ownership; the contents stay for the process that adopts the queue."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def adopt_orphans(destination: Path) -> list[QueueDirectory]:
    """Take over the queues of processes that have ended, in any order."""
    try:
        paths = [path for path in destination.iterdir() if path.is_dir()]
    except OSError:
        return []
    return [queue for path in paths if (queue := QueueDirectory.adopt(path)) is not None]


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents, so that their names survive the loss of power. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    try:
        sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise


def _discard(path: Path) -> None:
    """Remove a queue that could not be completed, as far as the disk permits."""
    with contextlib.suppress(OSError):
        (path / LOCK_NAME).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.rmdir()


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive the loss of power, which ``fsync`` of a file does not ensure."""
    if sys.platform == "win32":
        return  # Directories cannot be opened there; the file system keeps a journal of names.
    directory_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
