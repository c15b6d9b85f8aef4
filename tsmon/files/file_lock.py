"""Locks on open files, which the kernel frees however their holder ends; on every system."""

import sys

__all__ = ["lock", "try_lock"]

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where another one of the same file is locked."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def lock(descriptor: int) -> None:
        """Lock an open file as soon as that can be."""
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where another one of the same file is locked."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock(descriptor: int) -> None:
        """Lock an open file as soon as that can be."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)
