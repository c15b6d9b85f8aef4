"""The buffer between emitting and flushing: encoded lines, bounded in bytes.

Lines land in a deque, whose ends are atomic, so that emitting takes no lock and is safe in threads, signal
handlers and finalizers. Every few hundred lines they are joined into one block of bytes, which costs a small
fraction of the memory of single strings. When the bound is reached, the oldest block goes and is counted.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from tsmon.counts import Counts, DropReason

__all__ = ["BLOCK_LINES", "LONG_LINE", "Batch", "Buffer"]

BLOCK_LINES: Final = 500
LONG_LINE: Final = 8_192
"""A line longer than this (in characters) is sealed at once, so that the deque too is bounded in bytes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines joined by newlines, and how many they are."""

    data: bytes
    lines: int


class Buffer:
    """Points between ``emit`` and the store; owns the accounting.

    A batch that was taken stays pending until it is settled by :meth:`written`, :meth:`dropped`, or both.
    """

    def __init__(self, max_bytes: int) -> None:
        self.lines: deque[str] = deque()
        """Where lines are appended; only this class takes them out."""
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._blocks: deque[Batch] = deque()
        self._bytes = 0
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._sealed = 0
        self._written = 0
        self._dropped: dict[DropReason, int] = {}

    @property
    def sealed_bytes(self) -> int:
        """Bytes that wait in blocks."""
        return self._bytes

    @property
    def sealed_lines(self) -> int:
        """Number of lines that wait in blocks, at least so many."""
        return len(self._blocks) * BLOCK_LINES

    @property
    def sealed(self) -> int:
        """Sequence number of the newest sealed line, counted from 1."""
        return self._sealed

    @property
    def settled(self) -> int:
        """Sequence number up to which every line is written or dropped."""
        with self._lock:
            return self._sealed - self._in_flight - sum(block.lines for block in self._blocks)

    def seal(self, *, wait: bool = False) -> bool:
        """Join the lines that wait into a block; False if another thread is at it (or, rarely, this one)."""
        if not self._lock.acquire(blocking=wait):
            return False
        try:
            self._seal()
        finally:
            self._lock.release()
        return True

    def _seal(self) -> None:
        lines = self.lines
        count = len(lines)
        if not count:
            return
        data = "\n".join([lines.popleft() for _ in range(count)]).encode()
        self._blocks.append(Batch(data, count))
        self._bytes += len(data)
        self._sealed += count
        while self._bytes + self._in_flight_bytes > self._max_bytes and self._blocks:
            oldest = self._blocks.popleft()
            self._bytes -= len(oldest.data)
            self._add_dropped("buffer full", oldest.lines)

    def take(self, max_lines: int, max_bytes: int) -> Batch | None:
        """Oldest lines, at most so many (but at least one block); None when there are none."""
        with self._lock:
            self._seal()
            taken: list[Batch] = []
            lines = size = 0
            while self._blocks:
                block = self._blocks[0]
                if taken and (lines + block.lines > max_lines or size + len(block.data) > max_bytes):
                    break
                taken.append(self._blocks.popleft())
                lines += block.lines
                size += len(block.data)
            self._bytes -= size
            self._in_flight += lines
            self._in_flight_bytes += size
        if not taken:
            return None
        return taken[0] if len(taken) == 1 else Batch(b"\n".join([b.data for b in taken]), lines)

    def written(self, lines: int) -> None:
        """So many lines in flight were acknowledged by the store."""
        with self._lock:
            self._written += lines
            self._settle(lines)

    def dropped(self, lines: int, reason: DropReason) -> None:
        """So many lines in flight are given up."""
        with self._lock:
            self._add_dropped(reason, lines)
            self._settle(lines)

    def accept_dropped(self, lines: int, reason: DropReason) -> None:
        """So many lines were accepted only to be dropped: they came after the stop."""
        with self._lock:
            self._sealed += lines
            self._add_dropped(reason, lines)

    def drop_all(self, reason: DropReason) -> int:
        """Give up everything that waits or is in flight; returns how many lines that were."""
        with self._lock:
            self._seal()
            lines = self._in_flight + sum(block.lines for block in self._blocks)
            self._blocks.clear()
            self._bytes = self._in_flight = self._in_flight_bytes = 0
            if lines:
                self._add_dropped(reason, lines)
            return lines

    def counts(self, *, refused: int, nonfinite_fields: int) -> Counts:
        """The accounting at this moment."""
        with self._lock:
            waiting = len(self.lines)
            return Counts(
                accepted=self._sealed + waiting,
                recovered=0,
                written=self._written,
                pending=waiting + self._in_flight + sum(block.lines for block in self._blocks),
                dropped_by=dict(self._dropped),
                refused=refused,
                nonfinite_fields=nonfinite_fields,
            )

    def _settle(self, lines: int) -> None:
        self._in_flight -= lines
        if not self._in_flight:
            self._in_flight_bytes = 0

    def _add_dropped(self, reason: DropReason, lines: int) -> None:
        self._dropped[reason] = self._dropped.get(reason, 0) + lines
