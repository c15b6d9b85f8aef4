"""The spool as the spooler uses it: awaited, counted, and without errors.

A disk that refuses costs durability and nothing else: the lines then stay in the bounded buffer, which is logged.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.blocks import Batch
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.run_in_thread import run_in_thread
from tsmon.delivery.stranded import describe_stranded
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.spool import Destination, Spool, SpooledBatch
from tsmon.threads.native import create_lock

__all__ = ["SpoolFiles"]

_log = logging.getLogger("tsmon")

ADOPT_EVERY_S: Final = 30.0
RETRY_FIRST_S: Final = 0.5
RETRY_LONGEST_S: Final = 10.0
"""Ceilings of the first and of every later delay before a disk that has refused is tried again."""


class SpoolFiles:
    """The spool of one Monitor. Threads do the work, one at a time; the accounting changes with the files."""

    def __init__(
        self,
        buffer: Buffer,
        root: Path,
        destination: Destination,
        *,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._clock = clock
        self._adopt_at = 0.0
        self._spool = Spool(root, destination, max_bytes=max_bytes, on_dropped=buffer.count_dropped_from_disk)
        self._log = RateLimitedLog()
        self._backoff = Backoff(RETRY_FIRST_S, RETRY_LONGEST_S)
        self._not_before = 0.0
        self._reported: str | None = None
        self._recalled: SpooledBatch | None = None
        self.is_open = False
        self._is_closed = False
        self._turn = asyncio.Lock()
        # A stop does not wait for ever for a thread on a slow disk, but it must not work beside that thread.
        self._files = create_lock()

    @property
    def lines(self) -> int:
        """Lines on disk, including those of the recalled batch."""
        return self._spool.lines

    @property
    def has_recalled(self) -> bool:
        """Whether the oldest batch on disk is in flight."""
        return self._recalled is not None

    @property
    def accepts(self) -> bool:
        """Whether a batch may be appended: the disk has not refused recently."""
        return not self._is_closed and self._clock() >= self._not_before

    async def open(self) -> None:
        """Adopt what ended processes left for the same destination."""
        async with self._turn:
            await run_in_thread(self.open_now)

    def open_now(self) -> None:
        """The blocking form of :meth:`open`."""
        self._adopt_at = self._clock() + ADOPT_EVERY_S
        try:
            with self._files:
                recovered = self._spool.open()
        except OSError as error:
            self._refuse(error)
            return
        self.is_open = True
        self._is_closed = False
        if recovered:
            self._buffer.count_recovered(recovered)
            _log.info("%d points of earlier processes were found in the spool; they are sent now", recovered)

    async def report_stranded(self) -> None:
        """Log what ended processes left for other destinations, as after a change of the settings."""
        for message in await run_in_thread(
            describe_stranded, self._spool.directory.parent, self._spool.destination
        ):
            _log.warning("%s", message)

    async def adopt_if_due(self) -> None:
        """Adopt, every half minute, what processes left that have ended meanwhile."""
        if self._clock() >= self._adopt_at:
            await self.open()

    async def append(self, batch: Batch) -> bool:
        """Move a batch from flight to disk; False if the disk refuses or did recently, and then nothing changes."""
        if not self.accepts:
            return False
        async with self._turn:
            return await run_in_thread(self.append_now, batch)

    def append_now(self, batch: Batch) -> bool:
        """The blocking form of :meth:`append`."""
        if not self.is_open and not self._is_closed:
            self.open_now()
        if not self.is_open:
            return False
        with self._files:
            try:
                self._spool.append(batch.data, batch.lines)
            except OSError as error:
                self._refuse(error)
                return False
            self._buffer.count_spilled(batch.lines, batch.start)
        self._backoff.reset()
        self._reported = None
        return True

    async def recall(self) -> Batch | None:
        """The oldest batch on disk, now in flight, too; it stays on disk until :meth:`remove_recalled`."""
        if not self._spool.lines:
            return None
        async with self._turn:
            self._recalled = await run_in_thread(self._read_oldest)
        if self._recalled is None:
            return None
        self._buffer.count_recalled(self._recalled.lines)
        return Batch(self._recalled.data(), self._recalled.lines)

    async def remove_recalled(self) -> None:
        """Remove the recalled batch, all lines of which are settled, from disk."""
        async with self._turn:
            if self._recalled is not None:
                recalled, self._recalled = self._recalled, None
                try:
                    await run_in_thread(self._remove, recalled)
                except OSError as error:
                    self._warn(error)

    def put_back(self, lines: int) -> None:
        """Recall no batch any more: it stays on disk whole, since ``lines`` lines of it are not settled."""
        self._recalled = None
        self._buffer.count_put_back(lines)

    async def move_to(self, other: "SpoolFiles") -> None:
        """Move everything to the spool of another destination, and close.

        What that disk refuses stays here for a program that sends to the old destination; it is counted as dropped.
        """
        async with self._turn:
            await run_in_thread(self._move_to, other)

    def accept_moved(self, batch: SpooledBatch) -> None:
        """Keep a batch of another spool, which is counted as on disk already. Raises OSError."""
        with self._files:
            self._spool.append(batch.data(), batch.lines)

    def close(self) -> None:
        """Leave what waits to the next process."""
        self.is_open = False
        self._is_closed = True
        try:
            with self._files:
                self._spool.close()
        except OSError as error:
            self._warn(error)

    def renew(self) -> None:
        """Continue on the next event loop."""
        self._turn = asyncio.Lock()

    def forget_after_fork(self) -> None:
        """In a forked child: start empty; what was open belongs to the parent."""
        self._recalled = None
        self._spool.forget_after_fork()

    def _read_oldest(self) -> SpooledBatch | None:
        with self._files:
            return self._spool.read_oldest()

    def _remove(self, batch: SpooledBatch) -> None:
        with self._files:
            self._spool.remove_oldest(batch)

    def _move_to(self, other: "SpoolFiles") -> None:
        with self._files:
            try:
                if self._recalled is not None:  # It is settled, only its removal was cancelled.
                    recalled, self._recalled = self._recalled, None
                    self._spool.remove_oldest(recalled)
                while (batch := self._spool.read_oldest()) is not None:
                    other.accept_moved(batch)
                    self._spool.remove_oldest(batch)
            except OSError as error:
                left = self._spool.lines
                self._buffer.count_dropped_from_disk(left, "left in the spool")
                _log.error(
                    "%d points stay in the spool for the old server, since that for the new one cannot be written "
                    "(%s); see `tsmon spool list`",
                    left,
                    error.strerror or error,
                )
        self.close()

    def _refuse(self, error: OSError) -> None:
        self._not_before = self._clock() + self._backoff.next_delay_s()
        self._warn(error)

    def _warn(self, error: OSError) -> None:
        """Log a failure, once until the disk works again or fails in another way."""
        reason = error.strerror or str(error)
        if reason == self._reported:
            return
        self._reported = reason
        self._log.warning(
            "spool",
            f"the spool in {self._spool.directory} cannot be used ({reason}); points wait in memory only; if this "
            "lasts, set monitoring.spool_directory to a directory on a disk of this machine",
        )
