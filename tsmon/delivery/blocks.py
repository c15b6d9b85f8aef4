"""Sealed lines: blocks of bytes, oldest first, from which batches are made."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

__all__ = ["Batch", "Blocks"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines joined by newlines, and their number; ``start`` is the sequence number before the first, if known."""

    data: bytes
    lines: int
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Blocks:
    """A queue of blocks, as a value: each method returns another queue and leaves this one as it is.

    A block never exceeds the limits of a batch unless it is one line. All queues that come from one share the
    blocks, by number; so a change costs the same however many there are. Not thread-safe.
    """

    lines: int = 0
    """Lines in the queue."""
    size: int = 0
    """Bytes in the queue, without the newlines between blocks."""
    _first: int = 0
    _end: int = 0
    _by_number: dict[int, Batch] = field(default_factory=dict)

    def add(self, lines: Sequence[str], max_lines: int, max_bytes: int) -> "Blocks":
        """Append lines as one block, or as several where one would exceed a limit."""
        data = "\n".join(lines).encode()
        count = len(lines)
        if count > 1 and (len(data) > max_bytes or count > max_lines):
            listed = list(lines)
            middle = count // 2
            half = self.add(listed[:middle], max_lines, max_bytes)
            return half.add(listed[middle:], max_lines, max_bytes)
        self._by_number[self._end] = Batch(data, count)
        return Blocks(self.lines + count, self.size + len(data), self._first, self._end + 1, self._by_number)

    def take(self, max_lines: int, max_bytes: int) -> "tuple[list[Batch], Blocks]":
        """The oldest blocks that fit into one batch, at least one unless the queue is empty; and the others."""
        taken: list[Batch] = []
        lines = joined = 0
        for number in range(self._first, self._end):
            block = self._by_number[number]
            if taken and (lines + block.lines > max_lines or joined + len(block.data) + len(taken) > max_bytes):
                break
            taken.append(block)
            lines += block.lines
            joined += len(block.data)
        return taken, self._without(len(taken), lines, joined)

    def drop_oldest(self) -> "tuple[int, Blocks]":
        """Lines of the oldest block, 0 where there is none; and the others."""
        if self._first == self._end:
            return 0, self
        oldest = self._by_number[self._first]
        return oldest.lines, self._without(1, oldest.lines, len(oldest.data))

    def clear(self) -> "Blocks":
        """Remove all blocks."""
        return replace(self, lines=0, size=0, _first=self._end)

    def free(self, freed: int) -> int:
        """Free the blocks that were removed, when nobody needs an earlier queue any more.

        ``freed`` is what the last call returned, at first 0.
        """
        for number in range(freed, self._first):
            self._by_number.pop(number, None)
        return self._first

    def _without(self, blocks: int, lines: int, size: int) -> "Blocks":
        return Blocks(self.lines - lines, self.size - size, self._first + blocks, self._end, self._by_number)
