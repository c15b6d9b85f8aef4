"""The buffer between emitting and flushing: encoded lines, bounded in bytes.

Lines land in a deque, whose ends are atomic, so that emitting takes no lock and is safe in threads, signal
handlers and finalizers. Every few hundred lines they are joined into one block of bytes, which costs a small
fraction of the memory of single strings. When the bound is reached, the oldest block goes and is counted.
"""

import threading
from collections import deque
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from tsmon.delivery.accounting import Counts, DropReason
from tsmon.delivery.outstanding import Outstanding

__all__ = ["LONG_LINE", "Batch", "Buffer"]

BLOCK_LINES: Final = 500
LONG_LINE: Final = 8_192
"""A line longer than this (in characters) is sealed at once, so that the deque too is bounded in bytes."""

SMALL_BLOCK: Final = 2_000
"""Bytes of the bound for each line that may wait unsealed: small buffers have small blocks."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines joined by newlines, and how many they are; as taken, also the sequence number before the first."""

    data: bytes
    lines: int
    start: int | None = None


class Buffer:
    """Points between ``emit`` and the store; owns the accounting.

    ``max_bytes`` bounds what is sealed and what is in flight together; ``batch_lines`` and ``batch_bytes``
    bound each batch, but a batch holds at least one line. A batch that was taken stays pending until it is
    settled by :meth:`written`, :meth:`dropped`, or both.
    """

    def __init__(self, max_bytes: int, *, batch_lines: int = 5_000, batch_bytes: int = 2_000_000) -> None:
        self.lines: deque[str] = deque()
        """Where lines are appended; only this class takes them out."""
        self.block_lines = 0
        """Who appends the line that makes so many calls :meth:`seal`."""
        self._max_bytes = max_bytes
        self.limit_batches(batch_lines, batch_bytes)
        self._lock = threading.Lock()
        self._blocks: deque[Batch] = deque()
        self._waiting = 0
        self._bytes = 0
        self._outstanding = Outstanding()
        self._in_flight_bytes = 0
        self._recovered = 0
        self._durable = 0
        self._sealed = 0
        self._written = 0
        self._dropped: dict[DropReason, int] = {}
        self._aside: deque[tuple[DropReason | None, int]] = deque()
        self._aside_accepted = 0
        self._refused = 0
        self._closed_as: DropReason | None = None

    def limit_batches(self, lines: int, size: int) -> None:
        """Set how many lines and bytes a batch may have."""
        self._batch_lines = lines
        self._batch_bytes = size
        self.block_lines = max(1, min(BLOCK_LINES, lines, self._max_bytes // SMALL_BLOCK))
        self._block_bytes = min(size, self._max_bytes // 4)

    @property
    def waiting(self) -> int:
        """Lines that wait, sealed or not."""
        return self._waiting + len(self.lines)

    @property
    def durable(self) -> int:
        """Sequence number up to which every line is on disk, written or dropped."""
        return max(self._durable, self.settled)

    @property
    def half_full(self) -> bool:
        """Whether half of the bound is used up."""
        return 2 * (self._bytes + self._in_flight_bytes) > self._max_bytes

    @property
    def full_batch(self) -> bool:
        """Whether a whole batch waits."""
        return self._waiting >= self._batch_lines or self._bytes >= self._batch_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of sealed lines that wait or are in flight; never more than the bound."""
        return self._bytes + self._in_flight_bytes

    @property
    def sealed(self) -> int:
        """Sequence number of the newest sealed line, counted from 1."""
        return self._sealed

    @property
    def newest(self) -> int:
        """Sequence number of the newest line, sealed or not."""
        with self._lock:
            return self._sealed + len(self.lines)

    @property
    def taken(self) -> int:
        """Sequence number up to which no line waits any more."""
        return self._sealed - self._waiting

    @property
    def settled(self) -> int:
        """Sequence number up to which every line is written or dropped."""
        with self._lock:
            oldest = self._outstanding.oldest
            return self._sealed - self._waiting if oldest is None else oldest

    @property
    def recovered_so_far(self) -> int:
        """Lines of earlier processes that were found on disk."""
        return self._recovered

    @property
    def recovered_settled(self) -> int:
        """How many of those are written or dropped."""
        with self._lock:
            return self._recovered - self._outstanding.foreign

    def dropped_for(self, reason: DropReason) -> int:
        """Lines given up so far for one reason."""
        return self._dropped.get(reason, 0)

    def seal(self, *, wait: bool = False) -> bool:
        """Join the lines that wait into a block; False if another thread is at it (or, rarely, this one)."""
        if not self._lock.acquire(blocking=wait):
            return False
        try:
            self._seal()
        finally:
            self._lock.release()
        return True

    def take(self, max_bytes: int | None = None) -> Batch | None:
        """Oldest lines, at most a batch or ``max_bytes``; None when there are none."""
        limit = self._batch_bytes if max_bytes is None else min(max_bytes, self._batch_bytes)
        with self._lock:
            self._seal()
            if not self._blocks:
                return None
            taken = [self._blocks.popleft()]
            lines, size = taken[0].lines, len(taken[0].data)
            joined = size
            while self._blocks:
                block = self._blocks[0]
                if lines + block.lines > self._batch_lines or joined + 1 + len(block.data) > limit:
                    break
                taken.append(self._blocks.popleft())
                lines += block.lines
                size += len(block.data)
                joined += 1 + len(block.data)
            start = self._sealed - self._waiting
            self._waiting -= lines
            self._bytes -= size
            self._outstanding.taken(start, lines)
            self._in_flight_bytes += size
        return Batch(taken[0].data if len(taken) == 1 else b"\n".join([b.data for b in taken]), lines, start)

    def written(self, lines: int) -> None:
        """So many lines in flight were acknowledged by the store."""
        with self._lock:
            self._written += self._settle(lines)

    def dropped(self, lines: int, reason: DropReason) -> None:
        """So many lines in flight are given up."""
        with self._lock:
            self._add_dropped(reason, self._settle(lines))

    def spooled(self, lines: int, start: int | None) -> None:
        """So many lines in flight, the oldest or those taken at ``start``, are on disk now."""
        with self._lock:
            self._outstanding.spooled(lines, start)
            self._land()

    def secured(self) -> None:
        """All that was taken so far is settled or on disk."""
        with self._lock:
            self._durable = max(self._durable, self._sealed - self._waiting)

    def recovered(self, lines: int) -> None:
        """So many lines of earlier processes are on disk."""
        with self._lock:
            self._recovered += lines
            self._outstanding.recovered(lines)

    def recalled(self, lines: int) -> None:
        """So many lines, the oldest on disk, are in flight again."""
        with self._lock:
            self._outstanding.recalled(lines)

    def returned(self, lines: int) -> None:
        """So many recalled lines are not settled and stay on disk."""
        with self._lock:
            self._outstanding.returned(lines)
            self._land()

    def dropped_spooled(self, lines: int, reason: DropReason) -> None:
        """So many lines on disk are given up."""
        with self._lock:
            self._add_dropped(reason, self._outstanding.dropped_from_disk(lines))

    def accept_dropped(self, lines: int, reason: DropReason) -> None:
        """So many lines were accepted only to be dropped; safe wherever emitting is."""
        self._set_aside(reason, lines)

    def refuse(self, points: int) -> None:
        """So many points could not be encoded; safe wherever emitting is."""
        self._set_aside(None, points)

    def close(self, reason: DropReason) -> int:
        """Give up everything, and every line that still comes; returns how many lines that were."""
        # The order matters: a line that is appended after the last seal below finds block_lines changed.
        self.block_lines = 0
        with self._lock:
            self._closed_as = reason
            before = self._dropped.get(reason, 0)
            self._add_dropped(reason, self._outstanding.given_up() + self._waiting)
            self._blocks.clear()
            self._waiting = self._bytes = self._in_flight_bytes = 0
            self._seal()
            return self._dropped.get(reason, 0) - before

    def counts(self, *, nonfinite_fields: int) -> Counts:
        """The accounting at this moment."""
        with self._lock:
            self._fold_aside()
            if self._closed_as is not None:
                self._seal()
            unsealed = len(self.lines)
            return Counts(
                accepted=self._sealed + unsealed + self._aside_accepted,
                recovered=self._recovered,
                written=self._written,
                pending=unsealed + self._waiting + self._outstanding.in_flight + self._outstanding.on_disk,
                dropped_by=dict(self._dropped),
                refused=self._refused,
                nonfinite_fields=nonfinite_fields,
            )

    def _seal(self) -> None:
        lines = self.lines
        count = len(lines)
        if not count:
            return
        sealed = list(map(deque.popleft, repeat(lines, count)))
        self._sealed += count
        if self._closed_as is not None:
            self._add_dropped(self._closed_as, count)
            return
        self._add_blocks(sealed)
        while self._bytes + self._in_flight_bytes > self._max_bytes and self._blocks:
            oldest = self._blocks.popleft()
            self._bytes -= len(oldest.data)
            self._waiting -= oldest.lines
            self._add_dropped("buffer full", oldest.lines)

    def _add_blocks(self, lines: list[str]) -> None:
        data = "\n".join(lines).encode()
        if len(lines) > 1 and (len(data) > self._block_bytes or len(lines) > self._batch_lines):
            middle = len(lines) // 2
            self._add_blocks(lines[:middle])
            self._add_blocks(lines[middle:])
            return
        self._blocks.append(Batch(data, len(lines)))
        self._bytes += len(data)
        self._waiting += len(lines)

    def _settle(self, lines: int) -> int:
        settled = 0
        while settled < lines and (part := self._outstanding.release(lines - settled)[0]):
            settled += part
        self._land()
        return settled

    def _land(self) -> None:
        if not self._outstanding.in_flight:
            self._in_flight_bytes = 0

    def _add_dropped(self, reason: DropReason, lines: int) -> None:
        if lines:
            self._dropped[reason] = self._dropped.get(reason, 0) + lines

    def _set_aside(self, reason: DropReason | None, lines: int) -> None:
        """Count without waiting for the lock, which this very thread may hold."""
        self._aside.append((reason, lines))
        if self._lock.acquire(blocking=False):
            try:
                self._fold_aside()
            finally:
                self._lock.release()

    def _fold_aside(self) -> None:
        for _ in range(len(self._aside)):
            reason, lines = self._aside.popleft()
            if reason is None:
                self._refused += lines
            else:
                self._aside_accepted += lines
                self._add_dropped(reason, lines)
