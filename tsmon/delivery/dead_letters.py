"""Dead letters: lines that a store refused for good, kept in a file with the reason, for people to inspect.

The file is JSON lines: ``time`` (when the line was refused, RFC 3339), ``reason``, ``line``. A file that has grown
to its bound is renamed to ``….1``, which replaces an older one. Several processes may write to it.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final

import msgspec

from tsmon.files.file_lock import lock
from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog

__all__ = ["DeadLetter", "DeadLetterFile"]

NO_LOCKS: Final = frozenset({errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of file systems without locks."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the file."""

    time: str
    reason: str
    line: str


class DeadLetterFile:
    """Appends to the file at ``path`` up to ``max_bytes``, then begins a new one; 0 keeps nothing."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._failures = RateLimitedLog()

    def keep(self, lines: Iterable[str], reason: str) -> None:
        """Append lines that were refused for the same reason; never raises."""
        if not self._max_bytes:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        encoder = msgspec.json.Encoder()
        data = bytearray()
        for line in lines:
            # Bytes that are not UTF-8 stay readable, as escapes.
            text = line.encode(errors="backslashreplace").decode()
            data += encoder.encode(DeadLetter(time=time, reason=reason, line=text)) + b"\n"
        try:
            self._append(bytes(data))
        except OSError as error:
            self._failures.warning(
                "dead letters",
                f"rejected points cannot be kept in {self.path} ({describe_error(error, names_file=False)})",
            )

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.open("ab", buffering=0) as file:
            _protect(file.fileno())
            _lock_if_possible(file.fileno())
            size = os.fstat(file.fileno()).st_size
            if size and size + len(data) > self._max_bytes:
                before = self.path.with_name(f"{self.path.name}.1")
                self._report_removal(before)
                self.path.replace(before)
                with self.path.open("ab", buffering=0) as new:
                    _protect(new.fileno())
                    self._write(new, data)
                return
            self._write(file, data)

    def _report_removal(self, path: Path) -> None:
        """Log that the older file is about to be replaced."""
        with contextlib.suppress(OSError):
            status = path.stat()
            newest = datetime.fromtimestamp(status.st_mtime, UTC)
            self._failures.warning(
                "removed",
                f"{status.st_size:,} bytes of dead letters, the newest of {newest:%Y-%m-%d %H:%M:%S} UTC, are "
                f"removed from {path}, since newer ones fill monitoring.dead_letter_bytes",
            )

    def _write(self, file: FileIO, data: bytes) -> None:
        """Append all of ``data``, or nothing."""
        size = os.fstat(file.fileno()).st_size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(file.fileno(), view) :]
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            if not size:
                with contextlib.suppress(OSError):
                    self.path.unlink()
            raise


def _lock_if_possible(descriptor: int) -> None:
    """Wait for other writers; without locks each write is still appended whole, only their renames may collide."""
    try:
        lock(descriptor)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise


def _protect(descriptor: int) -> None:
    """Let only the owner read the file; measurements may be confidential."""
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)
