"""The pages in a write-ahead log that belong to committed transactions.

A log has a header of 32 bytes and frames of 24 bytes and a page. Each frame repeats the salts of the header and
continues a checksum, so frames of an earlier use of the file and a torn end are recognised.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

__all__ = ["WriteAheadLog"]

HEADER: Final = struct.Struct(">8I")
FRAME: Final = struct.Struct(">6I")
MAGIC: Final = 0x377F0682
"""Its lowest bit says whether checksums are of big-endian words."""


class WriteAheadLog:
    """Where the newest committed version of each page in the log is."""

    def __init__(self, path: Path, page_size: int, offsets: Mapping[int, int], page_count: int) -> None:
        self.path = path
        self.page_size = page_size
        self.offsets = offsets
        """Page number to the position of the page in the log."""
        self.page_count = page_count
        """Pages of the whole file after the last transaction."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the log at ``path``; None if there is none or it has no valid header. Raises OSError."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            head = file.read(HEADER.size)
            if len(head) < HEADER.size:
                return None
            magic, _, page_size, _, *salts, _, _ = HEADER.unpack(head)
            order = ">" if magic & 1 else "<"
            if magic & ~1 != MAGIC or _checksum(head[:24], order, (0, 0)) != HEADER.unpack(head)[6:]:
                return None
            found: dict[int, int] = {}
            waiting: dict[int, int] = {}
            page_count = 0
            sums: tuple[int, int] = HEADER.unpack(head)[6:]
            while len(frame := file.read(FRAME.size)) == FRAME.size:
                number, committed, salt_1, salt_2, *expected = FRAME.unpack(frame)
                if [salt_1, salt_2] != salts:
                    break
                at = file.tell()
                page = file.read(page_size)
                if len(page) < page_size:
                    break
                sums = _checksum(page, order, _checksum(frame[:8], order, sums))
                if list(sums) != expected:
                    break
                waiting[number] = at
                if committed:
                    found.update(waiting)
                    waiting.clear()
                    page_count = committed
        return cls(path, page_size, found, page_count)


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
