"""Segment files of the spool: a header, then records; only ever appended to.

Layout, little endian: 8 bytes magic, u32 length of the header, u32 CRC-32 of it, the header as JSON; then for
each record u32 length of the payload, u32 number of lines, u32 CRC-32 of both and the payload, and the payload,
which is line protocol compressed as the header says. A file that ends within a record has a torn tail: its
writer was killed there, and nothing after the last complete record was acknowledged.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from isal import igzip

from tsmon.errors import TsmonError

__all__ = ["CorruptSegmentError", "Record", "SegmentHeader", "SegmentWriter", "read_records", "scan"]

MAGIC: Final = b"TSMONSP1"
_LENGTHS: Final = struct.Struct("<II")
_RECORD: Final = struct.Struct("<III")
MAX_RECORD_BYTES: Final = 1 << 28
COMPRESSION_LEVEL: Final = 1

BINARY: Final = getattr(os, "O_BINARY", 0)
"""Without it, Windows would write line feeds as two characters."""


class CorruptSegmentError(TsmonError):
    """A segment contains bytes that its writer cannot have written."""


class SegmentHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Destination and format of a segment; the token is never part of it."""

    version: int = 1
    url: str
    org: str
    bucket: str
    precision: str = "ns"
    encoding: str = "gzip"
    created_ns: int


@dataclass(frozen=True, slots=True)
class Record:
    """One batch in a segment; ``end`` is the offset behind it."""

    payload: bytes
    lines: int
    end: int

    def data(self) -> bytes:
        """Line protocol of the batch."""
        return igzip.decompress(self.payload)  # type: ignore[no-any-return]


class SegmentWriter:
    """Appends records to a new segment."""

    def __init__(self, path: Path, header: SegmentHeader) -> None:
        encoded = msgspec.json.encode(header)
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | BINARY, 0o600)
        self.size = 0
        self.is_broken = False
        """Whether bytes of a record that was not acknowledged could not be removed: append no more."""
        try:
            self._write(MAGIC + _LENGTHS.pack(len(encoded), zlib.crc32(encoded)) + encoded)
        except OSError:
            self.discard()
            raise

    @property
    def is_in_place(self) -> bool:
        """Whether the path still names the open file; otherwise what is appended is lost when it is closed."""
        held = os.fstat(self._fd)
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == (held.st_dev, held.st_ino)

    def append(self, data: bytes, lines: int, *, sync: bool) -> None:
        """Write one complete record, or nothing if the disk refuses (OSError); ``sync`` waits for the disk."""
        payload = igzip.compress(data, COMPRESSION_LEVEL)
        head = _LENGTHS.pack(len(payload), lines)
        checksum = zlib.crc32(payload, zlib.crc32(head))
        before = self.size
        self._write(head + struct.pack("<I", checksum) + payload)
        if sync:
            try:
                _sync_data(self._fd)
            except OSError:
                self.cut(before)
                raise

    def cut(self, size: int) -> None:
        """Remove what is behind ``size``, as far as the disk permits."""
        self.size = size
        try:
            os.ftruncate(self._fd, size)
        except OSError:
            self.is_broken = True

    def close(self) -> None:
        """Close the file; what the disk says about that changes nothing, since each record was synchronized."""
        descriptor, self._fd = self._fd, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def discard(self) -> None:
        """Close and delete the file, as far as the disk permits."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            self.cut(self.size)
            raise
        self.size += len(data)


def _sync_data(descriptor: int) -> None:
    """Wait for the disk; macOS has only the slower way."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def read_header(path: Path) -> tuple[SegmentHeader, int]:
    """Read the header of a segment and the offset of its first record; raises :class:`CorruptSegmentError`."""
    with path.open("rb") as file:
        start = file.read(len(MAGIC) + _LENGTHS.size)
        if len(start) < len(MAGIC) + _LENGTHS.size or not start.startswith(MAGIC):
            raise CorruptSegmentError(f"{path} does not begin as a segment")
        length, checksum = _LENGTHS.unpack(start[len(MAGIC) :])
        encoded = file.read(min(length, 1 << 16))
        if len(encoded) != length or zlib.crc32(encoded) != checksum:
            raise CorruptSegmentError(f"the header of {path} is damaged")
        try:
            header = msgspec.json.decode(encoded, type=SegmentHeader)
        except msgspec.DecodeError:
            raise CorruptSegmentError(f"the header of {path} is not understood") from None
        return header, file.tell()


def read_records(path: Path, start: int) -> Iterator[Record]:
    """Read records from offset ``start`` up to a torn tail; raises :class:`CorruptSegmentError` at a bad one."""
    with path.open("rb") as file:
        file.seek(start)
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            length, lines, checksum = _RECORD.unpack(head)
            payload = file.read(length) if length <= MAX_RECORD_BYTES else b""
            if length > MAX_RECORD_BYTES:
                raise CorruptSegmentError(f"{path} has a record of impossible length at {file.tell()}")
            if len(payload) < length:
                return
            if zlib.crc32(payload, zlib.crc32(head[: _LENGTHS.size])) != checksum:
                raise CorruptSegmentError(f"{path} has a damaged record before offset {file.tell()}")
            yield Record(payload, lines, file.tell())


def scan(path: Path) -> tuple[SegmentHeader, int, int, int]:
    """Header, offset of the first record, number of lines, and offset of the end of the last complete record.

    Reads only the heads of the records; a damaged payload is found when it is read.
    """
    header, first = read_header(path)
    lines, end, size = 0, first, path.stat().st_size
    with path.open("rb") as file:
        while True:
            file.seek(end)
            head = file.read(_RECORD.size)
            if len(head) < _RECORD.size:
                break
            length, count, _ = _RECORD.unpack(head)
            if length > MAX_RECORD_BYTES or end + _RECORD.size + length > size:
                break
            lines += count
            end += _RECORD.size + length
    return header, first, lines, end
