"""The buffer between emitting and sending: encoded lines, bounded in bytes, and the accounting.

Lines are appended to a deque, whose ends are atomic, so emitting takes no lock and is safe in threads, signal
handlers and finalizers. Every few hundred lines are sealed: joined into one block of bytes, which takes a small
fraction of the memory of single strings. When the bound is reached, the oldest block is dropped and counted.
"""

import threading
from collections import deque
from itertools import repeat
from typing import Final

from tsmon.delivery.accounting import Counts, DropReason
from tsmon.delivery.blocks import Batch, Blocks
from tsmon.delivery.outstanding import Outstanding

__all__ = ["LONG_LINE", "Buffer"]

BLOCK_LINES: Final = 500
LONG_LINE: Final = 8_192
"""A line longer than this (in characters) is sealed at once, so that the deque is bounded in bytes, too."""

SMALL_BLOCK: Final = 2_000
"""Bytes of the bound for each line that may wait unsealed: small buffers have small blocks."""


class Buffer:
    """Lines between ``emit`` and the store, and the accounting of all lines, wherever they are.

    ``max_bytes`` bounds what is sealed and what is in flight together. ``batch_lines`` and ``batch_bytes``
    bound each batch, but a batch holds at least one line. The methods ``count_…`` record what others did with
    lines that were taken; until a line is counted as written or dropped, it is pending.
    """

    def __init__(self, max_bytes: int, *, batch_lines: int = 5_000, batch_bytes: int = 2_000_000) -> None:
        self.lines: deque[str] = deque()
        """Emitting appends lines here; only this class removes them."""
        self.block_lines = 0
        """An append that makes ``lines`` this long must be followed by :meth:`seal`."""
        self._max_bytes = max_bytes
        self.limit_batches(batch_lines, batch_bytes)
        self._lock = threading.Lock()
        self._blocks = Blocks()
        self._outstanding = Outstanding()
        self._in_flight_bytes = 0
        self._recovered = 0
        self._left_on_disk = 0
        self._durable = 0
        self._sealed = 0
        self._written = 0
        self._dropped: dict[DropReason, int] = {}
        self._uncounted: deque[tuple[DropReason | None, int]] = deque()
        self._accepted_unsealed = 0
        self._refused = 0
        self._closed_as: DropReason | None = None

    def limit_batches(self, lines: int, size: int) -> None:
        """Set how many lines and bytes a batch may have."""
        self._batch_lines = lines
        self._batch_bytes = size
        self.block_lines = max(1, min(BLOCK_LINES, lines, self._max_bytes // SMALL_BLOCK))
        self._block_bytes = min(size, self._max_bytes // 4)
        self._open_block_lines = self.block_lines

    @property
    def waiting(self) -> int:
        """Lines that wait here, sealed or not."""
        return self._blocks.lines + len(self.lines)

    @property
    def durable(self) -> int:
        """Sequence number up to which every line is on disk, written or dropped."""
        return max(self._durable, self.settled)

    @property
    def half_full(self) -> bool:
        """Whether half of the bound is used up."""
        return 2 * (self._blocks.size + self._in_flight_bytes) > self._max_bytes

    @property
    def full_batch(self) -> bool:
        """Whether a whole batch waits."""
        return self._blocks.lines >= self._batch_lines or self._blocks.size >= self._batch_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of sealed lines that wait or are in flight; never more than the bound."""
        return self._blocks.size + self._in_flight_bytes

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
        """Sequence number up to which no line waits here any more."""
        return self._sealed - self._blocks.lines

    @property
    def settled(self) -> int:
        """Sequence number up to which every line is written or dropped."""
        with self._lock:
            oldest = self._outstanding.oldest
            return self.taken if oldest is None else oldest

    @property
    def in_flight(self) -> int:
        """Lines in flight."""
        return self._outstanding.in_flight

    @property
    def recovered(self) -> int:
        """Lines of earlier processes that were found on disk so far."""
        return self._recovered

    @property
    def recovered_settled(self) -> int:
        """How many of those are written or dropped."""
        with self._lock:
            return self._recovered - self._outstanding.foreign

    def dropped_for(self, reason: DropReason) -> int:
        """Lines dropped so far for one reason."""
        return self._dropped.get(reason, 0)

    def seal(self, *, wait: bool = False) -> bool:
        """Join the unsealed lines into a block; False if another thread (or, rarely, this one) is doing that."""
        if not self._lock.acquire(blocking=wait):
            return False
        try:
            self._seal()
        finally:
            self._lock.release()
        return True

    def take(self, max_bytes: int | None = None) -> Batch | None:
        """Oldest lines, now in flight: at most a batch or ``max_bytes``; None if there are none."""
        limit = self._batch_bytes if max_bytes is None else min(max_bytes, self._batch_bytes)
        with self._lock:
            self._seal()
            start = self.taken
            taken = self._blocks.take(self._batch_lines, limit)
            if not taken:
                return None
            lines = sum([block.lines for block in taken])
            self._outstanding.take(start, lines)
            self._in_flight_bytes += sum([len(block.data) for block in taken])
        data = taken[0].data if len(taken) == 1 else b"\n".join([block.data for block in taken])
        return Batch(data, lines, start)

    def count_written(self, lines: int) -> None:
        """Lines in flight were acknowledged by the store."""
        with self._lock:
            self._written += self._settle(lines)

    def count_dropped(self, lines: int, reason: DropReason) -> None:
        """Lines in flight are given up."""
        with self._lock:
            self._add_dropped(reason, self._settle(lines))

    def count_spilled(self, lines: int, start: int | None) -> None:
        """Lines in flight, the oldest or those taken at ``start``, are on disk now, and no longer in memory."""
        with self._lock:
            self._outstanding.spill(lines, start)
            self._free_if_nothing_is_in_flight()

    def mark_durable(self) -> None:
        """All that was taken so far is settled or on disk."""
        with self._lock:
            self._durable = max(self._durable, self.taken)

    def count_recovered(self, lines: int) -> None:
        """Lines of earlier processes, or of this one before a stop, were found on disk."""
        with self._lock:
            own = min(lines, self._left_on_disk)
            self._left_on_disk -= own
            self._recovered += lines - own
            self._outstanding.recover(lines)

    def count_recalled(self, lines: int) -> None:
        """The oldest lines on disk are in flight again."""
        with self._lock:
            self._outstanding.recall(lines)

    def count_put_back(self, lines: int) -> None:
        """Recalled lines are not settled and stay on disk."""
        with self._lock:
            self._outstanding.put_back(lines)
            self._free_if_nothing_is_in_flight()

    def count_dropped_from_disk(self, lines: int, reason: DropReason) -> None:
        """Lines on disk are given up."""
        with self._lock:
            self._add_dropped(reason, self._outstanding.drop_from_disk(lines))

    def accept_dropped(self, lines: int, reason: DropReason) -> None:
        """Count lines that were accepted only to be dropped; safe wherever emitting is safe."""
        self._count_without_waiting(reason, lines)

    def refuse(self, points: int) -> None:
        """Count points that could not be encoded; safe wherever emitting is safe."""
        self._count_without_waiting(None, points)

    def close(self, reason: DropReason) -> int:
        """Drop everything that waits or is in flight, and every later line; returns how many lines that were."""
        # The order matters: a line that is appended after the last seal below finds block_lines changed.
        self.block_lines = 0
        with self._lock:
            self._closed_as = reason
            before = self._dropped.get(reason, 0)
            self._add_dropped(reason, self._outstanding.give_up_flights() + self._blocks.clear())
            self._in_flight_bytes = 0
            self._seal()
            return self._dropped.get(reason, 0) - before

    def reopen(self) -> None:
        """After :meth:`close`: take lines again. What is on disk waits for whoever adopts it."""
        with self._lock:
            self._seal()
            self._left_on_disk += self._outstanding.leave_disk()
            self._closed_as = None
            self.block_lines = self._open_block_lines

    def counts(self, *, nonfinite_fields: int) -> Counts:
        """The accounting at this moment."""
        with self._lock:
            self._add_uncounted()
            if self._closed_as is not None:
                self._seal()
            unsealed = len(self.lines)
            outstanding = self._outstanding
            return Counts(
                accepted=self._sealed + unsealed + self._accepted_unsealed,
                recovered=self._recovered,
                written=self._written,
                pending=unsealed
                + self._blocks.lines
                + outstanding.in_flight
                + outstanding.on_disk
                + self._left_on_disk,
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
        blocks = self._blocks
        blocks.add(sealed, self._batch_lines, self._block_bytes)
        while blocks.lines and blocks.size + self._in_flight_bytes > self._max_bytes:
            self._add_dropped("buffer full", blocks.drop_oldest())

    def _settle(self, lines: int) -> int:
        settled = 0
        while settled < lines and (part := self._outstanding.release(lines - settled)[0]):
            settled += part
        self._free_if_nothing_is_in_flight()
        return settled

    def _free_if_nothing_is_in_flight(self) -> None:
        if not self._outstanding.in_flight:
            self._in_flight_bytes = 0

    def _add_dropped(self, reason: DropReason, lines: int) -> None:
        if lines:
            self._dropped[reason] = self._dropped.get(reason, 0) + lines

    def _count_without_waiting(self, reason: DropReason | None, lines: int) -> None:
        """Count now, or later if the lock is taken, perhaps by this very thread."""
        self._uncounted.append((reason, lines))
        if self._lock.acquire(blocking=False):
            try:
                self._add_uncounted()
            finally:
                self._lock.release()

    def _add_uncounted(self) -> None:
        for _ in range(len(self._uncounted)):
            reason, lines = self._uncounted.popleft()
            if reason is None:
                self._refused += lines
            else:
                self._accepted_unsealed += lines
                self._add_dropped(reason, lines)
