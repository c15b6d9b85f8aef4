"""The spool as the spooler uses it: awaited, counted, and without errors.

A disk that refuses costs durability and nothing else: the lines then stay in the bounded buffer, which is logged.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.blocks import Batch
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.stranded import describe_stranded
from tsmon.files.disk_thread import DiskCall, DiskHangsError, DiskThread
from tsmon.logs.error_texts import describe_error
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
    """The spool of one Monitor. A thread does the work; the accounting changes with the files.

    A disk that hangs is one that refuses until it answers; no method waits for it longer than a second or so.
    """

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
        self._disk = DiskThread("tsmon-spool")
        # Another spool's thread moves batches here.
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
        return not self._is_closed and self._clock() >= self._not_before and not self._disk.hangs

    async def open(self) -> None:
        """Adopt what ended processes left for the same destination; later, if the disk hangs."""
        await self._run(self._open)

    async def report_stranded(self) -> None:
        """Log what ended processes left for other destinations, as after a change of the settings."""
        await self._run(self._report_stranded)

    async def adopt_if_due(self) -> None:
        """Adopt, every half minute, what processes left that have ended meanwhile."""
        if self._clock() >= self._adopt_at and not self._disk.hangs:
            await self.open()

    async def append(self, waiting: deque[Batch]) -> bool:
        """Move the first of ``waiting`` from flight to disk; False if the disk refuses or did recently.

        Then nothing has changed.
        """
        if not self.accepts:
            return False
        call = self._disk.submit(lambda call: self._append(call, waiting))
        try:
            return await self._disk.wait(call)
        except DiskHangsError as error:
            self._refuse(error)
            return False
        finally:
            # If it is on disk, that comes too late; else it will never be there.
            call.abandon()

    async def recall(self) -> Batch | None:
        """The oldest batch on disk, now in flight, too; it stays on disk until :meth:`remove_recalled`."""
        if not self._spool.lines or self._disk.hangs:
            return None
        try:
            recalled = await self._disk.run(self._read_oldest)
        except DiskHangsError as error:
            self._refuse(error)
            return None
        if recalled is None:
            return None
        batch = Batch(recalled.data(), recalled.lines)
        self._recalled = recalled
        self._buffer.count_recalled(batch.lines)
        return batch

    async def remove_recalled(self) -> None:
        """Remove the recalled batch, all lines of which are settled, from disk; later, if the disk hangs."""
        if self._recalled is not None:
            recalled, self._recalled = self._recalled, None
            await self._run(self._remove, recalled)

    def put_back(self, lines: int) -> None:
        """Recall no batch any more: it stays on disk whole, since ``lines`` lines of it are not settled."""
        self._recalled = None
        self._buffer.count_put_back(lines)

    async def keep(self, held: Iterable[deque[Batch]], patience_s: float) -> None:
        """Move what waits to disk, first the batches of ``held``, and close; after this nothing more moves.

        What cannot be moved stays where it is: if the disk refuses, or makes no progress for ``patience_s``.
        """
        call = self._disk.submit(lambda call: self._keep(call, held))
        try:
            await self._disk.wait(call, patience_s)
        except DiskHangsError as error:
            self._refuse(error)
        finally:
            call.abandon()
            self._disk.end()

    def keep_now(self, held: Iterable[deque[Batch]], patience_s: float) -> None:
        """The blocking form of :meth:`keep`."""
        call = self._disk.submit(lambda call: self._keep(call, held))
        try:
            self._disk.wait_now(call, patience_s)
        except DiskHangsError as error:
            self._refuse(error)
        finally:
            call.abandon()
            self._disk.end()

    async def move_to(self, other: "SpoolFiles") -> None:
        """Move everything to the spool of another destination, and close.

        What that disk refuses stays here for a program that sends to the old destination; it is counted as dropped.
        """
        await self._run(self._move_to, other)
        self._disk.end()

    def accept_moved(self, batch: SpooledBatch) -> None:
        """Keep a batch of another spool, which is counted as on disk already. Raises OSError."""
        with self._files:
            self._spool.append(batch.data(), batch.lines)

    def forget_after_fork(self) -> None:
        """In a forked child: start empty; what was open belongs to the parent."""
        self._recalled = None
        self._disk = DiskThread("tsmon-spool")
        self._files = create_lock()
        self._spool.forget_after_fork()

    async def _run(self, function: Callable[..., None], *args: Any) -> None:
        try:
            await self._disk.run(function, *args)
        except DiskHangsError as error:
            self._refuse(error)

    # The methods below run on the thread of the disk.

    def _open(self) -> None:
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

    def _report_stranded(self) -> None:
        for message in describe_stranded(self._spool.directory.parent, self._spool.destination):
            _log.warning("%s", message)

    def _append(self, call: DiskCall[Any], waiting: deque[Batch]) -> bool:
        if not waiting or not call.claim(_nothing):
            return False
        if not self.is_open and not self._is_closed:
            self._open()
        if not self.is_open:
            return False
        batch = waiting[0]

        def settle() -> None:
            self._buffer.count_spilled(batch.lines, batch.start)
            waiting.popleft()

        with self._files:
            try:
                if not self._spool.append(batch.data, batch.lines, lambda: call.claim(settle)):
                    return False
            except OSError as error:
                self._refuse(error)
                return False
        self._backoff.reset()
        self._reported = None
        return True

    def _keep(self, call: DiskCall[None], held: Iterable[deque[Batch]]) -> None:
        waiting: deque[Batch] = deque()

        def take() -> None:
            if (batch := self._buffer.take()) is not None:
                waiting.append(batch)

        try:
            for batches in held:
                while batches:
                    if not self._append(call, batches):
                        return
            while call.claim(take) and waiting and self._append(call, waiting):
                pass
        finally:
            self._close()

    def _close(self) -> None:
        """Leave what waits to the next process."""
        self.is_open = False
        self._is_closed = True
        try:
            with self._files:
                self._spool.close()
        except OSError as error:
            self._warn(error)

    def _read_oldest(self) -> SpooledBatch | None:
        with self._files:
            return self._spool.read_oldest()

    def _remove(self, batch: SpooledBatch) -> None:
        try:
            with self._files:
                self._spool.remove_oldest(batch)
        except OSError as error:
            self._warn(error)

    def _move_to(self, other: "SpoolFiles") -> None:
        with self._files:
            try:
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
                    describe_error(error, names_file=False),
                )
        self._close()

    def _refuse(self, error: OSError) -> None:
        self._not_before = self._clock() + self._backoff.next_delay_s()
        self._warn(error)

    def _warn(self, error: OSError) -> None:
        """Log a failure, once until the disk works again or fails in another way."""
        reason = describe_error(error, names_file=False)
        if reason == self._reported:
            return
        self._reported = reason
        self._log.warning(
            "spool",
            f"the spool in {self._spool.directory} cannot be used ({reason}); points wait in memory only; if this "
            "lasts, set monitoring.spool_directory to a directory on a disk of this machine",
        )


def _nothing() -> None:
    """Claim a call to know whether it was abandoned."""
