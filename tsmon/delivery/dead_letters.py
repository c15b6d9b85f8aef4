"""Dead letters: lines that a store refused for good, kept in a file with the reason, for people to inspect.

The file is JSON lines: ``time`` (when the line was refused, RFC 3339), ``reason``, ``line``. A file that has grown
to its bound is renamed to ``….1``, which replaces an older one. Several processes may write to it.
"""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tsmon.files.file_lock import lock
from tsmon.logs.rate_limited import RateLimitedLog

__all__ = ["DeadLetter", "DeadLetterFile"]


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
                "dead letters", f"rejected points cannot be kept in {self.path} ({error.strerror or error})"
            )

    def _append(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.open("ab") as file:
            _protect(file.fileno())
            lock(file.fileno())
            size = os.fstat(file.fileno()).st_size
            if size and size + len(data) > self._max_bytes:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
                with self.path.open("ab") as new:
                    _protect(new.fileno())
                    new.write(data)
                return
            file.write(data)


def _protect(descriptor: int) -> None:
    """Let only the owner read the file; measurements may be confidential."""
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)
