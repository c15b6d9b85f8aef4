"""Sealed lines: blocks of bytes, oldest first, from which batches are made."""

from collections import deque
from dataclasses import dataclass

__all__ = ["Batch", "Blocks"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines joined by newlines, and their number; ``start`` is the sequence number before the first, if known."""

    data: bytes
    lines: int
    start: int | None = None


class Blocks:
    """A queue of blocks; not thread-safe. A block never exceeds the limits of a batch unless it is one line."""

    def __init__(self) -> None:
        self._blocks: deque[Batch] = deque()
        self.lines = 0
        """Lines in the queue."""
        self.size = 0
        """Bytes in the queue, without the newlines between blocks."""

    def add(self, lines: list[str], max_lines: int, max_bytes: int) -> None:
        """Append lines as one block, or as several where one would exceed a limit."""
        data = "\n".join(lines).encode()
        if len(lines) > 1 and (len(data) > max_bytes or len(lines) > max_lines):
            middle = len(lines) // 2
            self.add(lines[:middle], max_lines, max_bytes)
            self.add(lines[middle:], max_lines, max_bytes)
            return
        self._blocks.append(Batch(data, len(lines)))
        self.size += len(data)
        self.lines += len(lines)

    def take(self, max_lines: int, max_bytes: int) -> list[Batch]:
        """Remove the oldest blocks that fit into one batch; at least one block unless the queue is empty."""
        taken: list[Batch] = []
        lines = joined = 0
        while self._blocks:
            block = self._blocks[0]
            lines += block.lines
            joined += len(block.data)
            if taken and (lines > max_lines or joined + len(taken) > max_bytes):
                break
            taken.append(self._blocks.popleft())
            self.lines -= block.lines
            self.size -= len(block.data)
        return taken

    def drop_oldest(self) -> int:
        """Remove the oldest block; returns its lines, 0 where there is none."""
        if not self._blocks:
            return 0
        oldest = self._blocks.popleft()
        self.lines -= oldest.lines
        self.size -= len(oldest.data)
        return oldest.lines

    def clear(self) -> int:
        """Remove all blocks; returns their lines."""
        lines = self.lines
        self._blocks.clear()
        self.lines = self.size = 0
        return lines
