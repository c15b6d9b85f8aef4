"""Line protocol, passed on unchanged: the store decides what is valid.

A block of lines without quotes is only checked as a whole: each line must have a time. Anything unusual is parsed
line by line.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol import parse_line, split_lines
from tsmon_agent.ingest.files.chunks import BadRow, Chunk
from tsmon_agent.tables.encodings import decode_line

__all__ = ["PRECISIONS", "LineProtocol"]

BLOCK_BYTES: Final = 1 << 20
PRECISIONS: Final = {"ns": 0, "us": 3, "ms": 6, "s": 9}
"""Zeros to append to a time for nanoseconds."""

NO_TIME: Final = "it has no time, so importing it again would make another point"

_timed: Final = re.compile(r" (-?[0-9]{1,19})[ \t]*$", re.MULTILINE)
_last_time: Final = re.compile(r" (-?[0-9]{1,19})[ \t]*\Z")
_stray: Final = re.compile(r"^[ \t\x00]|^#|^$|\\$|\r$|\x00", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LineProtocol:
    """Reads line protocol whose times have this precision; lines end with LF or CRLF.

    ``encoding`` is that of the file before it was made UTF-8, if it was given or recognised.
    """

    precision: str = "ns"
    encoding: str | None = None

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are bytes of the uncompressed data."""
        skip_bytes(file, position)
        rest = b""
        while block := file.read(BLOCK_BYTES):
            data = rest + block
            end = _find_end_of_lines(data)
            if end == 0:
                rest = data
                continue
            rest = data[end:]
            chunk = self._parse_block(data[:end], position, line)
            position, line = chunk.position, chunk.line
            yield chunk
        if rest:
            yield self._parse_block(rest, position, line)

    def _parse_block(self, data: bytes, position: int, line: int) -> Chunk:
        next_line = line + data.count(b"\n")
        text = data.decode(errors="surrogateescape")
        block = text.removesuffix("\n")
        if '"' not in block and block.isascii() and not _stray.search(block):
            lines = block.split("\n")
            if len(_timed.findall(block)) == len(lines):
                lines = self._to_nanoseconds(block, _timed).split("\n")
                return Chunk(lines, line, position + len(data), next_line)
        chunk = Chunk([], [], position + len(data), next_line)
        assert isinstance(chunk.numbers, list)
        for number, whole in split_lines(text):
            one = whole.removesuffix("\r")
            if not one:
                continue
            try:
                if not one.isascii():
                    one = decode_line(one, self.encoding)
                if parse_line(one).time_ns is None:
                    raise LineProtocolError(NO_TIME)
            except LineProtocolError as error:
                chunk.bad.append(BadRow(line + number - 1, str(error).removeprefix("line 1: "), one))
            except ValueError as error:
                chunk.bad.append(BadRow(line + number - 1, str(error), one))
            else:
                chunk.lines.append(self._to_nanoseconds(one, _last_time))
                chunk.numbers.append(line + number - 1)
        return chunk

    def _to_nanoseconds(self, text: str, time: re.Pattern[str]) -> str:
        zeros = "0" * PRECISIONS[self.precision]
        return time.sub(rf" \g<1>{zeros}", text) if zeros else text


def skip_bytes(file: BinaryIO, position: int) -> None:
    """Skip what an earlier run has read."""
    while position > 0 and (part := file.read(min(position, BLOCK_BYTES))):
        position -= len(part)


def _find_end_of_lines(data: bytes) -> int:
    """The end of the last complete line; a string still open there continues in the next block."""
    end = data.rfind(b"\n") + 1
    if not end or (b'"' not in data and b"\\\n" not in data):
        return end
    [(_, last)] = deque(split_lines(data[:end].decode(errors="surrogateescape")), 1) or [(0, "")]
    # A complete line does not include the newline that ends it.
    return end - len(last.encode(errors="surrogateescape")) if last.endswith("\n") else end
