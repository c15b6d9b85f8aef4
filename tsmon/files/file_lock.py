"""Locks on open files, on every system; the kernel releases them however their holder ends."""

import sys

__all__ = ["lock", "try_lock"]

if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError if the file is locked through another descriptor."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def lock(descriptor: int) -> None:
        """Lock an open file; wait until no other descriptor locks it."""
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def try_lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError if the file is locked through another descriptor."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock(descriptor: int) -> None:
        """Lock an open file; wait until no other descriptor locks it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX)
