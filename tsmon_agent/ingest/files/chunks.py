"""What readers of files yield: chunks of lines to write, with the rows that cannot be imported."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

__all__ = ["BadRow", "Chunk", "Reader", "close_chunks"]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported: line number, reason and text."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Chunk:
    """Lines of line protocol, each with a time in nanoseconds, and where the file continues after them.

    ``numbers`` are their line numbers in the file, or the first number if they are consecutive. ``position`` is
    where the same reader resumes after this chunk, ``line`` the number of the next line.
    """

    lines: list[str]
    numbers: list[int] | int
    position: int
    line: int
    bad: list[BadRow] = field(default_factory=list)

    def number_of(self, index: int) -> int:
        """Line number in the file of the line at ``index``."""
        return self.numbers + index if isinstance(self.numbers, int) else self.numbers[index]


class Reader(Protocol):
    """Reads one format. ``position`` and ``line`` are those of the last chunk written, or 0 and 1."""

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:
        """Chunks in file order; raises :class:`~tsmon.errors.ImportingError` if the file ends early."""


def close_chunks(chunks: Iterator[Chunk]) -> None:
    """End a reader before the end of its file, while the file is open."""
    if isinstance(chunks, Generator):
        chunks.close()
