"""One writing process a file, by a lock on a file beside it that names the holder's process id.

SQLite would let two processes take turns; but each keeps its own copy of the catalogue. The kernel frees the
lock when its holder ends, however it ends. The lock file stays: removing it would let two processes lock
two files of one name.
"""

import contextlib
import os
import weakref
from pathlib import Path

from tsmon.errors import StoreUnavailableError
from tsmon.files.file_lock import try_lock

__all__ = ["WriterLock"]

_held: "weakref.WeakSet[WriterLock]" = weakref.WeakSet()


class WriterLock:
    """The right to write ``path``; a second holder is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises :class:`StoreUnavailableError` with the holder's process id."""
        descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try_lock(descriptor)
        except OSError:
            holder = b""
            with contextlib.suppress(OSError):
                holder = os.read(descriptor, 32)
            os.close(descriptor)
            who = f"process {int(holder)}" if holder.strip().isdigit() else "another process"
            raise StoreUnavailableError(
                f"{self._path} is being written by {who}; stop it, name another file, or open it read-only"
            ) from None
        # On a full disk the next one is not told who holds it; the file can still be read and emptied.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        self._descriptor = descriptor
        _held.add(self)

    def release(self) -> None:
        """Give the lock back; does nothing where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self)


def _forget_in_child() -> None:
    # The child shares the lock's open file: unless it closes its copy, the lock outlives the parent.
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
