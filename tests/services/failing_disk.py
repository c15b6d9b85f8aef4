"""A disk whose calls fail with an error of one's choice, below one directory; everything else works."""

import errno
import fcntl
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["ERRORS", "STEPS", "FailingDisk"]

ERRORS = tuple(getattr(errno, name) for name in ("ENOLCK", "EROFS", "EACCES", "ENOSPC", "EIO", "EMFILE", "EAGAIN"))
"""What disks and systems say: no locks, read-only, no permission, full, broken, no descriptors, try again."""

STEPS = {
    "mkdir": (os, "mkdir"),
    "open": (os, "open"),
    "flock": (fcntl, "flock"),
    "fsync": (os, "fsync"),
    "fdatasync": (os, "fdatasync"),
    "write": (os, "write"),
    "ftruncate": (os, "ftruncate"),
    "close": (os, "close"),
    "rename": (os, "rename"),
    "replace": (os, "replace"),
    "unlink": (os, "unlink"),
    "rmdir": (os, "rmdir"),
}
"""The calls that use the disk, by name."""


class FailingDisk:
    """Below ``root``, the calls of ``steps`` fail with ``code`` once :attr:`fails` is set."""

    def __init__(self, patch: pytest.MonkeyPatch, root: Path, steps: tuple[str, ...], code: int) -> None:
        self._root = str(root)
        self._error = code
        self.fails = False
        self.after = 0
        """How many of the calls still succeed."""
        self.calls: Counter[str] = Counter()
        """How often each was called since."""
        for step in steps:
            module, name = STEPS[step]
            patch.setattr(module, name, self._failing(step, getattr(module, name)))

    def _failing(self, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(target: Any, *arguments: Any, **options: Any) -> Any:
            if self.fails and self._is_below(target):
                self.calls[step] += 1
                if self.calls.total() > self.after:
                    if step == "close":
                        real(target)  # Linux closes the descriptor, whatever it reports.
                    raise OSError(
                        self._error, os.strerror(self._error), None if isinstance(target, int) else target
                    )
            return real(target, *arguments, **options)

        return call

    def _is_below(self, target: Any) -> bool:
        if isinstance(target, int):
            try:
                target = Path(f"/proc/self/fd/{target}").readlink()
            except OSError:
                return False
        return os.fsdecode(target).startswith(self._root)
