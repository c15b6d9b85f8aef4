"""One SQLite file with its write-ahead log, as numbered pages; nothing is changed or locked."""

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from tsmon.stores.sqlite.pages.write_ahead_log import WriteAheadLog

if TYPE_CHECKING:
    from io import FileIO

__all__ = ["MAGIC", "PageFile"]

MAGIC: Final = b"SQLite format 3\0"
HEADER_BYTES: Final = 100
DEFAULT_PAGE_BYTES: Final = 4096
"""Size of tsmon's pages, for files without a readable header."""

MOST_PAGES: Final = 1 << 26
"""A header that says more is damaged."""

LOCK_BYTE: Final = 0x40000000


class PageFile:
    """Pages from 1; a context manager. Raises OSError if the file cannot be opened.

    It must not be used on a file that this process has open through SQLite, whose locks it would release when it is
    closed: see :mod:`tsmon.stores.sqlite.file_mark`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self._log_file: FileIO | None = None
        try:
            self._bytes = os.fstat(self._file.fileno()).st_size
            self._log = WriteAheadLog.read(Path(f"{path}-wal"))
            if self._log is not None and self._log.offsets:
                self._log_file = self._log.path.open("rb", buffering=0)
        except BaseException:
            self._file.close()
            raise
        self.page_size = self._read_page_size()
        self.header = (self.page(1) or bytes(HEADER_BYTES))[:HEADER_BYTES]
        """Header of the file; that in the log, if it is there."""
        if not self.is_header_intact:
            self.header = bytes(HEADER_BYTES)
        self.page_count = max(
            -(-self._bytes // self.page_size), self._log.page_count if self._log else 0, self._read_page_count()
        )
        """Pages of the file, those included that were cut off."""
        self.usable = self.page_size - self.header[20]

    @property
    def is_header_intact(self) -> bool:
        """Whether the file begins like an SQLite file."""
        return self.header.startswith(MAGIC)

    @property
    def application_id(self) -> int:
        """Mark of the program that has created the file; 0 for none."""
        return int.from_bytes(self.header[68:72])

    @property
    def version(self) -> int:
        """Version of the schema, as its program counts them; the newer one, if that in the log is another."""
        self._file.seek(0)
        return max(int.from_bytes(one[60:64]) for one in (self.header, self._file.read(HEADER_BYTES)))

    def page(self, number: int) -> bytes | None:
        """Contents of a page; None if it is beyond the end, or the disk cannot read it."""
        if number < 1:
            return None
        try:
            if self._log is not None and self._log_file is not None and number in self._log.offsets:
                self._log_file.seek(self._log.offsets[number])
                found = self._log_file.read(self.page_size)
            else:
                self._file.seek((number - 1) * self.page_size)
                found = self._file.read(self.page_size)
        except OSError:
            return None
        return found if len(found) == self.page_size else None

    def parent(self, number: int) -> tuple[int, int] | None:
        """Type and parent of a page, from the map of pointers that tsmon's files have; None if that is not known.

        Types: 1 root of a tree, 2 free, 3 and 4 overflow, 5 another page of a tree.
        """
        if self.is_header_intact and not any(self.header[52:56]):
            return None
        per_map = self.usable // 5 + 1
        place = (number - 2) // per_map * per_map + 2
        if place == LOCK_BYTE // self.page_size + 1:
            place += 1
        if number <= place:
            return None
        page = self.page(place)
        if page is None:
            return None
        at = 5 * (number - place - 1)
        kind, parent = page[at], int.from_bytes(page[at + 1 : at + 5])
        return (kind, parent) if 1 <= kind <= 5 and parent <= self.page_count else None

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._log_file is not None:
            self._log_file.close()

    def __enter__(self) -> Self:
        """Nothing to do: it is open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _read_page_count(self) -> int:
        """How many pages the header says that there are; 0 if it cannot be believed."""
        count = int.from_bytes(self.header[28:32])
        return count if self.header[24:28] == self.header[92:96] and count <= MOST_PAGES else 0

    def _read_page_size(self) -> int:
        if self._log is not None and self._log.offsets:
            return self._log.page_size
        try:
            header = self._file.read(HEADER_BYTES)
        except OSError:
            return DEFAULT_PAGE_BYTES
        size = int.from_bytes(header[16:18])
        size = 65_536 if size == 1 else size
        is_plausible = header.startswith(MAGIC) and 512 <= size <= 65_536 and not size & (size - 1)
        return size if is_plausible else DEFAULT_PAGE_BYTES
