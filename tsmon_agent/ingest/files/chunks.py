"""What readers of files give: chunks of lines ready to be written, and rows that cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

__all__ = ["BadRow", "Chunk", "Reader"]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported: number of its line, the reason, and its text."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Chunk:
    """Lines of line protocol in nanoseconds, each with a time, and where the file continues behind them.

    ``numbers`` are the lines of the file that they come from, or the first of them where they follow each other.
    ``position`` is what the same reader takes to go on behind this chunk, ``line`` the number of the next line.
    """

    lines: list[str]
    numbers: list[int] | int
    position: int
    line: int
    bad: list[BadRow] = field(default_factory=list)

    def number_of(self, index: int) -> int:
        """Number of the line in the file that made one of the lines."""
        return self.numbers + index if isinstance(self.numbers, int) else self.numbers[index]


class Reader(Protocol):
    """Reads one format; ``position`` and ``line`` are those of the last chunk that was written, or 0 and 1."""

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:
        """Chunks in the order of the file; raises :class:`~tsmon.errors.ImportingError` where it ends early."""
