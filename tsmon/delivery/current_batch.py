"""The batch that is being sent: in parts, where the store does not take it as a whole."""

import functools
from collections import deque
from collections.abc import Callable
from typing import Final

from tsmon.delivery.buffer import Batch, Buffer
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.isolation import halves, lines_of, split_refused, split_unparseable
from tsmon.delivery.spooler import in_thread
from tsmon.errors import StoreRefusedError
from tsmon.logs.rate_limited import RateLimitedLog

__all__ = ["REQUESTS_TO_ISOLATE", "CurrentBatch"]

REQUESTS_TO_ISOLATE: Final = 200
"""Writes spent at most to find the bad lines of one batch; what is not told apart by then is given up."""

SMALLEST_BATCH: Final = 1_024
WRITES_BEFORE_LARGER: Final = 1_000


class CurrentBatch:
    """Parts that are still to be sent, in order, and what becomes of those that a store refuses.

    What it refuses for good is counted, and kept by ``dead_letters`` as soon as :meth:`keep_dead_letters` is
    awaited.
    """

    def __init__(self, buffer: Buffer, dead_letters: DeadLetterFile | None, log: RateLimitedLog) -> None:
        self._buffer = buffer
        self.dead_letters = dead_letters
        """Where refused lines are kept."""
        self._log = log
        self.parts: deque[Batch] = deque()
        """The first is sent next."""
        self.max_bytes: int | None = None
        """What the store takes at once, where it has refused more lately."""
        self._writes_until_larger = 0
        self._requests_left = REQUESTS_TO_ISOLATE
        self._letters: list[tuple[Batch, str]] = []

    def begin(self, batch: Batch) -> None:
        """Take a batch in hand."""
        self.parts.append(batch)
        self._requests_left = REQUESTS_TO_ISOLATE

    def fits(self) -> bool:
        """Whether the store may take the first part at once; else it is halved, or given up."""
        first = self.parts[0]
        if self.max_bytes is None or len(first.data) <= self.max_bytes or first.lines == 1:
            return True
        self._split(first, halves, "it cannot be split")
        return False

    def written(self) -> None:
        """The store has taken the first part."""
        self._buffer.written(self.parts.popleft().lines)

    def answered(self) -> None:
        """The store has answered, whatever it was."""
        if self.max_bytes is not None:
            self._writes_until_larger -= 1
            if self._writes_until_larger <= 0:
                self.max_bytes = None

    def too_large(self, reason: str) -> None:
        """The first part is too large for the store."""
        first = self.parts[0]
        self.max_bytes = max(len(first.data) // 2, SMALLEST_BATCH)
        self._writes_until_larger = WRITES_BEFORE_LARGER
        self._split(first, halves, reason)

    def refused(self, error: StoreRefusedError) -> None:
        """The store has refused some lines of the first part and stored the others, or has stored nothing.

        Servers do not say which lines, and miscount them where there are several reasons; so the parts of a batch
        are written again, which changes nothing of what is stored, until it is known of each line.
        """
        first, reason, count = self.parts[0], str(error), error.lines
        if not self._requests_left or (count is not None and count >= first.lines):
            self._give_up(first, count, reason)
            return
        fresh = self._requests_left == REQUESTS_TO_ISOLATE
        self._requests_left -= 1
        if count is not None:
            self._split(
                first, functools.partial(split_refused, count=count, conflict=error.conflict), reason, count
            )
        else:
            self._split(first, split_unparseable if fresh else halves, reason)

    async def keep_dead_letters(self) -> None:
        """Keep what was given up; where this is cancelled, it is kept all the same."""
        if self._letters and self.dead_letters is not None:
            letters, self._letters = self._letters, []
            await in_thread(_keep, self.dead_letters, letters)

    def _split(
        self, first: Batch, how: Callable[[Batch], list[Batch]], reason: str, count: int | None = None
    ) -> None:
        """Put its parts in the place of the first; where it has none, give up all or ``count`` of its lines."""
        parts = how(first)
        if not parts:
            self._give_up(first, count, reason)
            return
        self.parts.popleft()
        self.parts.extendleft(reversed(parts))

    def _give_up(self, first: Batch, count: int | None, reason: str) -> None:
        self.parts.popleft()
        lost = first.lines if count is None else min(count, first.lines)
        self._buffer.written(first.lines - lost)
        if not lost:
            return
        self._buffer.dropped(lost, "rejected")
        where = ""
        if self.dead_letters is not None:
            which = "" if lost == first.lines else f" ({lost} of {first.lines} lines; it is not known which)"
            self._letters.append((first, reason + which))
            where = f"; see {self.dead_letters.path}"
        self._log.warning("rejected", f"{lost} points were rejected and dropped: {reason}{where}")


def _keep(dead_letters: DeadLetterFile, letters: list[tuple[Batch, str]]) -> None:
    for batch, reason in letters:
        dead_letters.keep(lines_of(batch) or [batch.data.decode(errors="surrogateescape")], reason)
