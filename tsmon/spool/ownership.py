"""Who may touch which part of a spool directory.

Below the directory of a destination every process has a queue of its own, locked by a lock as long as it lives;
the kernel frees the lock however the process ends. A queue whose lock can be had is an orphan, and whoever gets
the lock adopts it. A forked child closes the inherited descriptor; it must not unlock it, since the lock belongs
to the open file that parent and child share.
"""

import contextlib
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Final

from tsmon.files.file_lock import try_lock

__all__ = ["QueueDirectory", "adopt_orphans", "make_directory", "sync_directory"]

LOCK_NAME: Final = "owner.lock"
TRIES: Final = 5


class QueueDirectory:
    """A queue's directory, owned by this process until :meth:`release`."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd

    @classmethod
    def create(cls, destination: Path) -> "QueueDirectory":
        """New queue below the directory of a destination. Raises OSError."""
        failure: OSError | None = None
        for _ in range(TRIES):
            path = destination / f"{os.getpid()}-{secrets.token_hex(4)}"
            make_directory(path)
            lock_fd = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                try_lock(lock_fd)
            except OSError as error:
                # Whoever adopts orphans may have found it before its lock was ours, and removes it.
                failure = error
                os.close(lock_fd)
                continue
            try:
                sync_directory(path)
            except OSError:
                os.close(lock_fd)
                raise
            return cls(path, lock_fd)
        assert failure is not None
        raise failure

    @classmethod
    def adopt(cls, path: Path) -> "QueueDirectory | None":
        """The queue at ``path`` if nobody owns it."""
        try:
            lock_fd = os.open(path / LOCK_NAME, os.O_RDWR)
        except OSError:
            return None
        try:
            try_lock(lock_fd)
            if os.fstat(lock_fd).st_nlink:  # else another adopter has finished with it just now
                return cls(path, lock_fd)
        except OSError:
            pass
        os.close(lock_fd)
        return None

    def segments(self) -> list[Path]:
        """Segment files, oldest first. Raises OSError."""
        return sorted(path for path in self.path.iterdir() if path.suffix == ".seg")

    def remove(self) -> None:
        """Remove the queue with what is in it, and give up the ownership."""
        if sys.platform == "win32":
            self.release()  # What is open cannot be removed there.
        with contextlib.suppress(OSError):
            shutil.rmtree(self.path)
        self.release()

    def remove_if_empty(self) -> None:
        """Remove the queue unless a segment is in it, such as one that cannot be read; give up the ownership."""
        try:
            empty = not self.segments()
        except OSError:
            empty = False
        if empty:
            self.remove()
        self.release()

    def release(self) -> None:
        """Give up the ownership; what the queue holds stays for whoever adopts it."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def adopt_orphans(destination: Path) -> list[QueueDirectory]:
    """Queues of processes that have ended, oldest first."""
    try:
        paths = sorted((p for p in destination.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    except OSError:
        return []
    return [queue for path in paths if (queue := QueueDirectory.adopt(path)) is not None]


def make_directory(path: Path) -> None:
    """Make a directory, and those above it that are missing, so that its name survives the loss of power."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Let the names in a directory survive the loss of power, as ``fsync`` of a file does not ensure."""
    if sys.platform == "win32":
        return  # A directory cannot be opened there; its file system keeps a journal of names.
    directory_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
