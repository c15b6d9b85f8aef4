"""The batch that is being sent: in parts, where the store does not take it as a whole."""

import functools
from collections import deque
from collections.abc import Callable
from typing import Final

from tsmon.delivery.blocks import Batch
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.isolation import (
    join_lines,
    split_in_half,
    split_into_lines,
    split_named,
    split_refused,
    split_unparseable,
)
from tsmon.errors import StoreRefusedError
from tsmon.files.disk_thread import DiskHangsError, DiskThread
from tsmon.logs.rate_limited import RateLimitedLog

__all__ = ["REQUESTS_TO_ISOLATE", "CurrentBatch"]

REQUESTS_TO_ISOLATE: Final = 200
"""Writes spent at most to find the bad lines of one batch; parts that are still mixed by then are dropped."""

SMALLEST_BATCH: Final = 1_024
WRITES_BEFORE_LARGER: Final = 1_000


class CurrentBatch:
    """The parts of a batch that are still to be sent, oldest first; splits and drops what the store refuses.

    Lines that it refuses for good are counted as dropped, and become dead letters as soon as
    :meth:`keep_dead_letters` is awaited.
    """

    def __init__(self, buffer: Buffer, dead_letters: DeadLetterFile | None, log: RateLimitedLog) -> None:
        self._buffer = buffer
        self.dead_letters = dead_letters
        """Where refused lines are kept."""
        self._log = log
        self.parts: deque[Batch] = deque()
        """The first is sent next."""
        self.max_bytes: int | None = None
        """The largest part to send, after the store has recently refused a larger one."""
        self._writes_until_larger = 0
        self._requests_left = REQUESTS_TO_ISOLATE
        self._letters: list[tuple[Batch, str]] = []
        self._disk = DiskThread("tsmon-dead-letters")

    def begin(self, batch: Batch) -> None:
        """Make ``batch`` the current one, in one part."""
        self.parts.append(batch)
        self._requests_left = REQUESTS_TO_ISOLATE

    def split_if_too_large(self) -> bool:
        """Halve the first part, or drop it, if it is larger than :attr:`max_bytes` and more than one line."""
        first = self.parts[0]
        if self.max_bytes is None or len(first.data) <= self.max_bytes or first.lines == 1:
            return False
        self._split(first, split_in_half, "it cannot be split")
        return True

    def settle_written(self) -> None:
        """The store has acknowledged the first part."""
        # In this order, so that an interruption between them is noticed: see Delivery.
        self._buffer.count_written(self.parts[0].lines)
        self.parts.popleft()

    def note_answer(self) -> None:
        """The store has answered, whatever the answer was: after many answers larger parts are tried again."""
        if self.max_bytes is not None:
            self._writes_until_larger -= 1
            if self._writes_until_larger <= 0:
                self.max_bytes = None

    def halve(self, reason: str) -> None:
        """The first part is too large for the store: send halves of it, and of later parts of that size."""
        first = self.parts[0]
        self.max_bytes = max(len(first.data) // 2, SMALLEST_BATCH)
        self._writes_until_larger = WRITES_BEFORE_LARGER
        self._split(first, split_in_half, reason)

    def isolate(self, error: StoreRefusedError) -> None:
        """The store has refused some lines of the first part and stored the others, or has stored nothing.

        If it names the refused lines and their number, those are dropped and the others count as written. Most
        servers do not, and miscount them if there are several reasons. So the parts of a batch are written again,
        which changes nothing in the store, until the answer is known for each line.
        """
        first, reason, count = self.parts[0], str(error), error.lines
        named = split_named(first, error.line_reasons.keys())
        if named is not None and count == len(error.line_reasons):
            self._drop_named(*named, error)
            return
        if not self._requests_left or (count is not None and count >= first.lines):
            self._drop(first, count, reason)
            return
        is_whole = self._requests_left == REQUESTS_TO_ISOLATE
        self._requests_left -= 1
        if named is not None and named[0]:
            self._replace([join_lines(lines) for lines in named])
        elif count is not None:
            split = functools.partial(split_refused, count=count, conflict=error.conflict)
            self._split(first, split, reason, count)
        else:
            self._split(first, split_unparseable if is_whole else split_in_half, reason)

    async def keep_dead_letters(self) -> None:
        """Write what was dropped to the file of dead letters; later, if this is cancelled or the disk hangs."""
        if self._letters and self.dead_letters is not None:
            letters, self._letters = self._letters, []
            try:
                if self._disk.hangs:
                    raise DiskHangsError
                await self._disk.run(_keep, self.dead_letters, letters)
            except DiskHangsError as error:
                self._log.warning(
                    "dead letters", f"rejected points cannot be kept in {self.dead_letters.path} ({error.strerror})"
                )

    def end(self) -> None:
        """Let the thread of the dead letters end; another batch starts it again."""
        self._disk.end()

    def _split(
        self, first: Batch, split: Callable[[Batch], list[Batch]], reason: str, count: int | None = None
    ) -> None:
        """Replace the first part by its own parts; if it has none, drop all or ``count`` of its lines."""
        parts = split(first)
        if not parts:
            self._drop(first, count, reason)
            return
        self._replace(parts)

    def _replace(self, parts: list[Batch]) -> None:
        self.parts.popleft()
        self.parts.extendleft(reversed(parts))

    def _drop_named(self, others: list[str], refused: list[str], error: StoreRefusedError) -> None:
        """The first part is settled: the store has named the refused lines, each with its reason."""
        self.parts.popleft()
        self._buffer.count_written(len(others))
        self._buffer.count_dropped(len(refused), "rejected")
        by_reason: dict[str, list[str]] = {}
        for number, line in zip(sorted(error.line_reasons), refused, strict=True):
            by_reason.setdefault(error.line_reasons[number], []).append(line)
        for reason, lines in by_reason.items():
            self._keep_later(join_lines(lines), reason)
        self._warn(len(refused), str(error))

    def _drop(self, first: Batch, count: int | None, reason: str) -> None:
        self.parts.popleft()
        lost = first.lines if count is None else min(count, first.lines)
        self._buffer.count_written(first.lines - lost)
        if not lost:
            return
        self._buffer.count_dropped(lost, "rejected")
        which = "" if lost == first.lines else f" ({lost} of {first.lines} lines; it is not known which)"
        self._keep_later(first, reason + which)
        self._warn(lost, reason)

    def _keep_later(self, batch: Batch, reason: str) -> None:
        if self.dead_letters is not None:
            self._letters.append((batch, reason))

    def _warn(self, lost: int, reason: str) -> None:
        where = "" if self.dead_letters is None else f"; see {self.dead_letters.path}"
        self._log.warning("rejected", f"{lost} points were rejected and dropped: {reason}{where}")


def _keep(dead_letters: DeadLetterFile, letters: list[tuple[Batch, str]]) -> None:
    for batch, reason in letters:
        dead_letters.keep(split_into_lines(batch) or [batch.data.decode(errors="surrogateescape")], reason)
