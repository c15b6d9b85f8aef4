"""The whole text of a small file or body, decompressed and decoded."""

import io
from typing import Final

from tsmon.errors import ImportingError
from tsmon_agent.tables.compression import decompress, explain_read_errors
from tsmon_agent.tables.encodings import WESTERN, decode_line, to_utf8
from tsmon_agent.tables.headed_stream import HeadedStream
from tsmon_agent.tables.signatures import (
    PARQUET,
    SIGNATURE_BYTES,
    check_is_text,
    find_compression,
    refuse_binary,
)

__all__ = ["decode_text", "read_text"]

LARGEST_TEXT: Final = 256 * 1024 * 1024


def read_text(name: str, data: bytes) -> str:
    """The text of a file that may be compressed; raises :class:`~tsmon.errors.ImportingError`."""
    with explain_read_errors(name):
        stream = io.BufferedReader(decompress(name, io.BytesIO(data)), 1 << 20)
        content = stream.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise ImportingError(f"{name} is larger than {LARGEST_TEXT >> 20} MiB when it is decompressed; split it")
    return decode_text(name, content)


def decode_text(name: str, data: bytes, encoding: str | None = None) -> str:
    """The text of bytes in an encoding, by default recognised; raises :class:`~tsmon.errors.ImportingError`."""
    head = data[:SIGNATURE_BYTES]
    refuse_binary(name, head)
    if head.startswith(PARQUET):
        raise ImportingError(f"{name} is a Parquet file; save the table as CSV")
    if kind := find_compression(head):
        raise ImportingError(f"{name} is compressed by {kind}; decompress it")
    stream, found = to_utf8(HeadedStream(io.BytesIO(data)), len(data), encoding)
    content = io.BufferedReader(stream, 1 << 20).read()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        text = _decode_lines(name, content, error, encoding or (None if found == "utf-8" else found))
    check_is_text(name, text)
    return text


def _decode_lines(name: str, content: bytes, error: UnicodeDecodeError, encoding: str | None) -> str:
    """Text that is not UTF-8, if all of its lines are Western European without a doubt."""
    lines = content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    try:
        return "".join(decode_line(line, encoding) for line in lines)
    except ValueError:
        number = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        reason = f"byte {byte:#04x} is not UTF-8" if encoding in (None, WESTERN) else f"it is not {encoding}"
        raise ImportingError(f"{name}:{number}: {reason}; save the table as UTF-8") from None
