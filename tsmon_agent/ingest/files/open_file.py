"""Files as they come: plain, compressed by gzip, or standard input."""

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
    """A file to read from its beginning; ``raw`` tells by ``tell()`` how much of ``size`` bytes was read."""

    file: BinaryIO
    raw: BinaryIO
    size: int | None

    @property
    def read_bytes(self) -> int:
        """How much of the file was read, in its own bytes."""
        try:
            return self.raw.tell()
        except (OSError, ValueError):
            return 0


@contextmanager
def open_file(path: Path) -> Iterator[OpenFile]:
    """Open a file or standard input, and see through gzip; raises :class:`~tsmon.errors.ImportingError`."""
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
        file: BinaryIO = buffered
        if buffered.peek(2)[:2] == MAGIC:
            from isal import igzip

            file = cast(BinaryIO, igzip.GzipFile(fileobj=buffered))
        yield OpenFile(file, raw, size)
    finally:
        if path != STDIN:
            raw.close()


@contextmanager
def explain_read_errors(path: Path) -> Iterator[None]:
    """What goes wrong in a compressed file, in a sentence."""
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        raise ImportingError(
            f"{path} cannot be read to its end: {error}; what came before is imported; mend it and start again"
        ) from None
