"""Opens files to import: plain, compressed by gzip, or standard input."""

import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from tsmon.errors import ImportingError

__all__ = ["STDIN", "OpenFile", "explain_read_errors", "open_file"]

STDIN: Final = Path("-")
MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file opened at its beginning. ``raw.tell()`` is how much of ``size`` bytes was read."""

    stream: BinaryIO
    raw: BinaryIO
    size: int | None

    @property
    def read_bytes(self) -> int:
        """Bytes of the file read so far, before decompression."""
        try:
            return self.raw.tell()
        except (OSError, ValueError):
            return 0


@contextmanager
def open_file(path: Path) -> Iterator[OpenFile]:
    """Open a file or standard input, decompressing gzip; raises :class:`~tsmon.errors.ImportingError`."""
    try:
        raw: BinaryIO = sys.stdin.buffer if path == STDIN else cast(BinaryIO, path.open("rb", buffering=0))
    except IsADirectoryError:
        raise ImportingError(f"{path} is a directory; name the files in it") from None
    except OSError as error:
        raise ImportingError(
            f"{path} cannot be read: {error.strerror}; name a file, or - for standard input"
        ) from None
    try:
        status = os.fstat(raw.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        buffered = io.BufferedReader(cast(io.RawIOBase, raw), 1 << 20)
        stream: BinaryIO = buffered
        if buffered.peek(2)[:2] == MAGIC:
            from isal import igzip

            stream = cast(BinaryIO, igzip.GzipFile(fileobj=buffered))
        yield OpenFile(stream, raw, size)
    finally:
        if path != STDIN:
            raw.close()


@contextmanager
def explain_read_errors(path: Path) -> Iterator[None]:
    """Context manager that turns errors of reading into an :class:`~tsmon.errors.ImportingError`."""
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        raise ImportingError(
            f"{path} cannot be read to its end: {error}; what came before is imported; repair it and start again"
        ) from None
