"""One writing process per file: a lock on a file beside it, which contains the process id of the owner.

SQLite would let two processes take turns, but each caches the catalogue. The kernel releases the lock when its
owner ends, however it ends. The lock file stays: if it were removed, two processes could lock two files of one
name.
"""

import contextlib
import os
import weakref
from pathlib import Path
from typing import Final

from tsmon.errors import StoreUnavailableError
from tsmon.files.file_lock import try_lock
from tsmon.spool.ownership import LOCKED
from tsmon.stores.sqlite.file_mark import ForeignFileError, file_identity

__all__ = ["FileOwnedError", "WriterLock", "find_owner"]

MAX_CONTENT: Final = 32
"""Bytes of a lock file, at most."""

_held: "weakref.WeakSet[WriterLock]" = weakref.WeakSet()


class FileOwnedError(StoreUnavailableError):
    """Another process writes the file, or this one through another store."""

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(f"{path} is being written by {owner}; stop it, name another file, or open it read-only")
        self.owner = owner
        """Such as ``process 4711``."""


class WriterLock:
    """The right to write ``path``; a second owner is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises :class:`FileOwnedError` with the owner's process id."""
        file = Path(f"{self._path}.lock")
        is_there = file.exists()
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _check_content(descriptor, file)
            _take(descriptor, self._path)
        except BaseException as error:
            os.close(descriptor)
            if not is_there and not isinstance(error, FileOwnedError):
                # Nobody else can hold a lock here.
                with contextlib.suppress(OSError):
                    file.unlink()
            raise
        self._descriptor = descriptor
        _held.add(self)
        # On a full disk the lock file stays empty; the store can still be read and shortened.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, b"%d\n" % os.getpid())

    @property
    def is_in_place(self) -> bool:
        """Whether the lock file is still the one that is locked; otherwise another process can take the lock."""
        if self._descriptor is None:
            return False
        held = os.fstat(self._descriptor)
        return file_identity(Path(f"{self._path}.lock")) == (held.st_dev, held.st_ino)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self)


def find_owner(path: Path) -> str | None:
    """Return which process writes ``path``, None if none does; creates no file.

    Raises :class:`ForeignFileError` if the file in the place of the lock is not tsmon's.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        _check_content(descriptor, Path(f"{path}.lock"))
        _take(descriptor, path)
    except FileOwnedError as error:
        return error.owner
    finally:
        os.close(descriptor)
    return None


def _check_content(descriptor: int, file: Path) -> None:
    """Raise :class:`ForeignFileError` unless the file contains nothing but the number of a process."""
    content = os.read(descriptor, MAX_CONTENT + 1)
    os.lseek(descriptor, 0, os.SEEK_SET)
    if content and (len(content) > MAX_CONTENT or not content.strip().isdigit()):
        raise ForeignFileError(
            f"{file} was not made by tsmon, which needs this name for its lock; move it away, or name another file"
        )


def _take(descriptor: int, path: Path) -> None:
    """Lock the open file that stands for ``path``."""
    try:
        try_lock(descriptor)
    except OSError as error:
        if error.errno not in LOCKED:
            raise StoreUnavailableError(
                f"{path}: this file system has no locks ({error.strerror}); name a file on a local disk"
            ) from None
        owner = b""
        with contextlib.suppress(OSError):
            owner = os.read(descriptor, MAX_CONTENT)
        who = f"process {int(owner)}" if owner.strip().isdigit() else "another process"
        raise FileOwnedError(path, who) from None


def _forget_in_child() -> None:
    # The child shares the open lock file: unless it closes its copy, the lock outlives the parent.
    for lock in list(_held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
