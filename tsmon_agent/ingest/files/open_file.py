"""Opens files to import: plain or compressed, text in any encoding, Parquet, or standard input."""

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from tsmon.errors import ImportingError
from tsmon_agent.tables.compression import decompress, explain_read_errors
from tsmon_agent.tables.encodings import to_utf8
from tsmon_agent.tables.signatures import PARQUET, SIGNATURE_BYTES, check_is_text

__all__ = ["STDIN", "OpenFile", "open_file"]

STDIN: Final = Path("-")
HEAD_BYTES: Final = 1 << 20
"""Beginning of a file by which format, encoding and columns are recognised."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file opened at its beginning. ``raw.tell()`` is how much of ``size`` bytes was read.

    ``stream`` is text in UTF-8, or Parquet if ``is_parquet``; it returns its beginning, ``head``, too.
    ``encoding`` is what the text was in, or None if that is UTF-8 or what its lines show.
    """

    stream: BinaryIO
    raw: BinaryIO
    size: int | None
    head: bytes = b""
    encoding: str | None = None
    is_parquet: bool = False

    @property
    def read_bytes(self) -> int:
        """Bytes of the file read so far, before decompression."""
        try:
            return self.raw.tell()
        except (OSError, ValueError):
            return 0


@contextmanager
def open_file(path: Path, *, encoding: str | None = None) -> Iterator[OpenFile]:
    """Open a file or standard input, which is text or Parquet; raises :class:`~tsmon.errors.ImportingError`.

    ``encoding`` is that of the text, by default recognised.
    """
    try:
        raw: BinaryIO = sys.stdin.buffer if path == STDIN else cast(BinaryIO, path.open("rb", buffering=0))
    except IsADirectoryError:
        raise ImportingError(f"{path} is a directory; name the files in it") from None
    except OSError as error:
        raise ImportingError(
            f"{path} cannot be read: {error.strerror}; name a file, or - for standard input"
        ) from None
    try:
        with explain_read_errors(str(path)):
            opened = _recognize(path, raw, encoding)
        yield opened
    finally:
        if path != STDIN:
            raw.close()


def _find_size(raw: BinaryIO) -> int | None:
    try:
        status = os.fstat(raw.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _recognize(path: Path, raw: BinaryIO, given: str | None) -> OpenFile:
    name = str(path)
    size = _find_size(raw)
    content = decompress(name, raw)
    if content.head(SIGNATURE_BYTES).startswith(PARQUET):
        if content.inner is not raw or not raw.seekable():
            raise ImportingError(
                f"{name} is Parquet within an archive or a pipe, which needs a file of its own; unpack it"
            )
        raw.seek(0)
        return OpenFile(raw, raw, size, is_parquet=True)
    text, encoding = to_utf8(content, HEAD_BYTES, given)
    head = text.head(HEAD_BYTES)
    check_is_text(name, head.decode("utf-8", "replace"))
    stream = cast(BinaryIO, io.BufferedReader(text, HEAD_BYTES))
    return OpenFile(stream, raw, size, head, given if encoding == "utf-8" else encoding)
