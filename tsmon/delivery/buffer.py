"""The buffer between emitting and sending: encoded lines, bounded in bytes, and the accounting.

Lines are appended to a deque, whose ends are atomic, so emitting waits for no lock and is safe in threads, signal
handlers and finalizers. Every few hundred lines are sealed: joined into one block of bytes, which takes a small
fraction of the memory of single strings. When the bound is reached, the oldest block is dropped and counted.

Whatever is interrupted, by the exception of a signal handler for example, has happened whole or not at all; see
:class:`~tsmon.delivery.ledger.Ledger`.
"""

from collections import deque
from itertools import chain, repeat
from typing import Any, Final

from msgspec.structs import replace

from tsmon.delivery.accounting import Counts, DropReason
from tsmon.delivery.blocks import Batch
from tsmon.delivery.ledger import Ledger, Note, add_dropped
from tsmon.delivery.outstanding import Outstanding
from tsmon.threads.locks import Attempt
from tsmon.threads.native import create_lock

__all__ = ["LONG_LINE", "Buffer"]

BLOCK_LINES: Final = 500
LONG_LINE: Final = 8_192
"""A line longer than this (in characters) is sealed at once, so that the deque is bounded in bytes, too."""

SMALL_BLOCK: Final = 2_000
"""Bytes of the bound for each line that may wait unsealed: small buffers have small blocks."""

MAX_NOTES: Final = 100
"""Notes that may wait to be counted."""


class Buffer:
    """Lines between ``emit`` and the store, and the accounting of all lines, wherever they are.

    ``max_bytes`` bounds what is sealed and what is in flight together. ``batch_lines`` and ``batch_bytes``
    bound each batch, but a batch holds at least one line. The methods ``count_…`` record what others did with
    lines that were taken; until a line is counted as written or dropped, it is pending.

    What only reads takes no lock, so it is safe wherever emitting is safe.
    """

    def __init__(self, max_bytes: int, *, batch_lines: int = 5_000, batch_bytes: int = 2_000_000) -> None:
        self.lines: deque[str] = deque()
        """Emitting appends lines here; only this class removes them."""
        self.block_lines = 0
        """An append that makes ``lines`` this long must be followed by :meth:`seal`."""
        self._max_bytes = max_bytes
        self.limit_batches(batch_lines, batch_bytes)
        self._lock = create_lock()
        self._attempt = Attempt(self._lock)
        self._notes: deque[Note] = deque()
        self._ledger = Ledger()
        self._freed = 0

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
        ledger, unsealed, _ = self._read()
        return ledger.blocks.lines + unsealed

    @property
    def durable(self) -> int:
        """Sequence number up to which every line is on disk, written or dropped."""
        ledger = self._ledger
        return max(ledger.durable, ledger.settled)

    @property
    def half_full(self) -> bool:
        """Whether half of the bound is used up."""
        return 2 * self.held_bytes > self._max_bytes

    @property
    def full_batch(self) -> bool:
        """Whether a whole batch waits."""
        blocks = self._ledger.blocks
        return blocks.lines >= self._batch_lines or blocks.size >= self._batch_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of sealed lines that wait or are in flight; never more than the bound."""
        ledger = self._ledger
        return ledger.blocks.size + ledger.in_flight_bytes

    @property
    def sealed(self) -> int:
        """Sequence number of the newest sealed line, counted from 1."""
        return self._ledger.sealed

    @property
    def newest(self) -> int:
        """Sequence number of the newest line, sealed or not."""
        ledger, unsealed, _ = self._read()
        return ledger.sealed + unsealed

    @property
    def taken(self) -> int:
        """Sequence number up to which no line waits here any more."""
        return self._ledger.taken

    @property
    def settled(self) -> int:
        """Sequence number up to which every line is written or dropped."""
        return self._ledger.settled

    @property
    def in_flight(self) -> int:
        """Lines in flight."""
        return self._ledger.outstanding.in_flight

    @property
    def handed(self) -> Batch | None:
        """The batch that was taken last, unless something was settled or moved since."""
        return self._ledger.handed

    @property
    def recovered(self) -> int:
        """Lines of earlier processes that were found on disk so far."""
        return self._ledger.recovered

    @property
    def recovered_settled(self) -> int:
        """How many of those are written or dropped."""
        ledger = self._ledger
        return ledger.recovered - ledger.outstanding.foreign

    def dropped_for(self, reason: DropReason) -> int:
        """Lines dropped so far for one reason."""
        return self._ledger.dropped.get(reason, 0)

    def seal(self, *, wait: bool = False) -> bool:
        """Join the unsealed lines into a block; False if another thread (or, rarely, this one) is doing that."""
        if wait:
            with self._lock:
                self._fold()
            return True
        acquired = False
        try:
            with self._attempt as acquired:
                if acquired:
                    self._fold()
        finally:
            if acquired:
                self._lock.release()
        return acquired

    def take(self, max_bytes: int | None = None) -> Batch | None:
        """Oldest lines, now in flight: at most a batch or ``max_bytes``; None if there are none."""
        limit = self._batch_bytes if max_bytes is None else min(max_bytes, self._batch_bytes)
        with self._lock:
            self._fold()
            ledger = self._ledger
            taken, others = ledger.blocks.take(self._batch_lines, limit)
            if not taken:
                return None
            lines = sum([block.lines for block in taken])
            data = taken[0].data if len(taken) == 1 else b"\n".join([block.data for block in taken])
            batch = Batch(data, lines, ledger.taken)
            outstanding = ledger.outstanding.copy()
            outstanding.take(ledger.taken, lines)
            size = ledger.in_flight_bytes + sum([len(block.data) for block in taken])
            self._commit(ledger, outstanding, blocks=others, in_flight_bytes=size, handed=batch)
            return batch

    def count_written(self, lines: int) -> None:
        """Lines in flight were acknowledged by the store."""
        with self._lock:
            ledger, outstanding = self._copy()
            settled = _release(outstanding, lines)
            self._commit(ledger, outstanding, written=ledger.written + settled)

    def count_dropped(self, lines: int, reason: DropReason) -> None:
        """Lines in flight are given up."""
        with self._lock:
            ledger, outstanding = self._copy()
            settled = _release(outstanding, lines)
            self._commit(ledger, outstanding, dropped=add_dropped(ledger.dropped, reason, settled))

    def count_spilled(self, lines: int, start: int | None) -> None:
        """Lines in flight, the oldest or those taken at ``start``, are on disk now, and no longer in memory."""
        with self._lock:
            ledger, outstanding = self._copy()
            outstanding.spill(lines, start)
            self._commit(ledger, outstanding)

    def mark_durable(self) -> None:
        """All that was taken so far is settled or on disk."""
        with self._lock:
            ledger = self._ledger
            self._ledger = replace(ledger, durable=max(ledger.durable, ledger.taken))

    def count_recovered(self, lines: int) -> None:
        """Lines of earlier processes, or of this one before a stop, were found on disk."""
        with self._lock:
            ledger, outstanding = self._copy()
            own = min(lines, ledger.left_on_disk)
            outstanding.recover(lines)
            self._commit(
                ledger,
                outstanding,
                left_on_disk=ledger.left_on_disk - own,
                recovered=ledger.recovered + lines - own,
            )

    def count_taken_in(self, lines: int, refused: int) -> None:
        """Lines of other processes were stored without coming through here, except those that were refused."""
        with self._lock:
            ledger = self._ledger
            self._ledger = replace(
                ledger,
                recovered=ledger.recovered + lines,
                written=ledger.written + lines - refused,
                dropped=add_dropped(ledger.dropped, "rejected", refused),
            )

    def count_recalled(self, lines: int) -> None:
        """The oldest lines on disk are in flight again."""
        with self._lock:
            ledger, outstanding = self._copy()
            outstanding.recall(lines)
            self._commit(ledger, outstanding)

    def count_put_back(self, lines: int) -> None:
        """Recalled lines are not settled and stay on disk."""
        with self._lock:
            ledger, outstanding = self._copy()
            outstanding.put_back(lines)
            self._commit(ledger, outstanding)

    def count_dropped_from_disk(self, lines: int, reason: DropReason) -> None:
        """Lines on disk are given up."""
        with self._lock:
            ledger, outstanding = self._copy()
            lost = outstanding.drop_from_disk(lines)
            self._commit(ledger, outstanding, dropped=add_dropped(ledger.dropped, reason, lost))

    def accept_dropped(self, lines: int, reason: DropReason) -> None:
        """Count lines that were accepted only to be dropped; safe wherever emitting is safe."""
        self._notes.append((reason, lines))
        self._fold_if_many()

    def refuse(self, points: int) -> None:
        """Count points that could not be encoded; safe wherever emitting is safe."""
        self._notes.append((None, points))
        self._fold_if_many()

    def close(self, reason: DropReason) -> int:
        """Drop everything that waits or is in flight, and every later line; returns how many lines that were."""
        # The order matters: a line that is appended after the last seal below finds block_lines changed.
        self.block_lines = 0
        with self._lock:
            ledger, outstanding = self._copy()
            lost = outstanding.give_up_flights() + ledger.blocks.lines
            dropped = add_dropped(ledger.dropped, reason, lost)
            blocks = ledger.blocks.clear()
            self._commit(ledger, outstanding, blocks=blocks, dropped=dropped, closed_as=reason)
            self._fold()
            return lost + self._ledger.sealed - ledger.sealed

    def reopen(self) -> None:
        """After :meth:`close`: take lines again. What is on disk waits for whoever adopts it."""
        with self._lock:
            self._fold()
            ledger, outstanding = self._copy()
            left = ledger.left_on_disk + outstanding.leave_disk()
            self._commit(ledger, outstanding, left_on_disk=left, closed_as=None)
            self.block_lines = self._open_block_lines

    def counts(self, *, nonfinite_fields: int) -> Counts:
        """The accounting at this moment."""
        ledger, unsealed, notes = self._read()
        accepted = ledger.sealed + unsealed + ledger.accepted_unsealed
        refused, dropped = ledger.refused, ledger.dropped
        for reason, lines in notes:
            if reason is None:
                refused += lines
            else:
                accepted += lines
                dropped = add_dropped(dropped, reason, lines)
        outstanding = ledger.outstanding
        pending = ledger.blocks.lines + outstanding.in_flight + outstanding.on_disk + ledger.left_on_disk
        if ledger.closed_as is None:
            pending += unsealed
        else:
            dropped = add_dropped(dropped, ledger.closed_as, unsealed)
        return Counts(
            accepted=accepted,
            recovered=ledger.recovered,
            written=ledger.written,
            pending=pending,
            dropped_by=dict(dropped),
            refused=refused,
            nonfinite_fields=nonfinite_fields,
        )

    def _read(self) -> tuple[Ledger, int, list[Note]]:
        """The ledger with the number of lines, and the notes, that the next one will include."""
        while True:
            ledger = self._ledger
            # Each is one call in C, during which no other thread runs.
            notes = list(chain(ledger.noted, self._notes))
            unsealed = sum(map(len, (ledger.arriving, self.lines)))
            if ledger is self._ledger:
                return ledger, unsealed, notes

    def _fold(self) -> None:
        """Put into the ledger what has come since; the lock is held."""
        ledger = self._ledger
        arriving, noted = ledger.arriving, ledger.noted
        arriving.extend(map(deque.popleft, repeat(self.lines, len(self.lines))))
        noted.extend(map(deque.popleft, repeat(self._notes, len(self._notes))))
        if not arriving and not noted:
            return
        count = len(arriving)
        accepted, refused, dropped, blocks = (
            ledger.accepted_unsealed,
            ledger.refused,
            ledger.dropped,
            ledger.blocks,
        )
        for reason, lines in noted:
            if reason is None:
                refused += lines
            else:
                accepted += lines
                dropped = add_dropped(dropped, reason, lines)
        if ledger.closed_as is not None:
            dropped = add_dropped(dropped, ledger.closed_as, count)
        elif count:
            blocks = blocks.add(arriving, self._batch_lines, self._block_bytes)
            while blocks.lines and blocks.size + ledger.in_flight_bytes > self._max_bytes:
                lost, blocks = blocks.drop_oldest()
                dropped = add_dropped(dropped, "buffer full", lost)
        self._freed = ledger.blocks.free(self._freed)
        self._ledger = replace(
            ledger,
            arriving=deque(),
            noted=deque(),
            blocks=blocks,
            sealed=ledger.sealed + count,
            accepted_unsealed=accepted,
            refused=refused,
            dropped=dropped,
        )

    def _copy(self) -> tuple[Ledger, Outstanding]:
        """The ledger, and what is outstanding to be changed; the lock is held."""
        ledger = self._ledger
        return ledger, ledger.outstanding.copy()

    def _commit(self, ledger: Ledger, outstanding: Outstanding, **changes: Any) -> None:
        """Put into force what follows ``ledger``; the lock is held."""
        if not outstanding.in_flight:
            changes["in_flight_bytes"] = 0
        self._ledger = replace(ledger, **{"handed": None, "outstanding": outstanding, **changes})

    def _fold_if_many(self) -> None:
        """Keep the notes few; one that waits is included in whatever is read."""
        if len(self._notes) >= MAX_NOTES:
            self.seal()


def _release(outstanding: Outstanding, lines: int) -> int:
    """Remove lines from flight, as far as there are any; returns how many."""
    released = 0
    while released < lines and (part := outstanding.release(lines - released)[0]):
        released += part
    return released
