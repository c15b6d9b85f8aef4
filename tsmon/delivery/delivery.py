"""From the buffer to the store: batch by batch, retried until it is there or refused for good."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.buffer import Batch, Buffer
from tsmon.delivery.current_batch import CurrentBatch
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.spooler import Spooler
from tsmon.errors import (
    BatchTooLargeError,
    StoreRefusedError,
    StoreUnavailableError,
    TsmonError,
)
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.stores import Store

__all__ = ["Delivery"]

_log = logging.getLogger("tsmon")

CANCEL_S: Final = 1.0
LAG_S: Final = 1.0
"""A write that takes longer than this makes the lines behind it go to the spool, where there is one."""


class Delivery:
    """Sends what the buffer holds, one batch at a time, oldest first, on a task of its own.

    A store that is away is tried again after a jittered delay, for as long as it takes; new lines wait in the
    buffer meanwhile. All methods belong to one event loop.
    """

    def __init__(
        self,
        buffer: Buffer,
        store: Store,
        *,
        spooler: Spooler | None = None,
        dead_letters: DeadLetterFile | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._store = store
        self._spooler = spooler
        self._lagging = False
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._log = RateLimitedLog(clock=clock)
        self._current = CurrentBatch(buffer, dead_letters, self._log)
        self._recalled = False
        self._unspilled: deque[Batch] = deque()
        self._spilling: asyncio.Task[None] | None = None
        self._securing = False
        self._fed = asyncio.Event()
        self._fed.set()
        self._target = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._paused = False
        self._waiters: set[asyncio.Future[None]] = set()
        self._writing_since: float | None = None
        self._not_before = 0.0
        self._asked_until = 0.0
        self._full_reported = 0
        self.last_error: str | None = None
        """Why the store did not take the last batch, or a part of it; None when it did."""

    @property
    def busy(self) -> bool:
        """Whether a delivery is under way."""
        return self._task is not None

    def kick(self) -> None:
        """Begin to send what waits, unless that is under way or it is too early to try again."""
        self._report_full()
        self._buffer.seal()
        self._target = max(self._target, self._buffer.sealed)
        if self._writing_since is not None and self._clock() - self._writing_since >= LAG_S:
            self._lagging = self._spooler is not None
        self._spill_if_due()
        self._start(self._not_before)

    async def settle(self, sequence: int, *, recovered: int = 0, last_chance_s: float | None = None) -> bool:
        """Wait until every line up to ``sequence`` is written or dropped; False if it was closed meanwhile.

        So are ``recovered`` lines of those that earlier processes left on disk, then. The first try is made at
        once, unless the store itself asked for time; with ``last_chance_s``, even then if it asked for more than so
        many seconds. May be cancelled: what is under way goes on.
        """
        self._target = max(self._target, sequence)
        asked_s = self._asked_until - self._clock()
        self._start(0.0 if last_chance_s is not None and asked_s > last_chance_s else self._asked_until)
        while not self._closed and (self._buffer.settled < sequence or self._buffer.recovered_settled < recovered):
            if self._task is None:
                self._start(self._not_before)
            if self._task is None:
                await self._progress(max(self._not_before - self._clock(), 0.0))
            else:
                await self._progress(None)
        return not self._closed

    async def change_store(
        self,
        store: Store,
        timeout_s: float,
        *,
        spooler: Spooler | None = None,
        dead_letters: DeadLetterFile | None = None,
    ) -> Store:
        """Send to ``store`` from now on; returns the old one when its last write has ended, or after a while.

        ``spooler`` is the spool of the new store's destination, where that is another one: what waits on disk
        moves there. ``dead_letters`` takes what it refuses.
        """
        old, self._store = self._store, store
        self._not_before = self._asked_until = 0.0
        self._current.max_bytes = None
        self._backoff.reset()
        if self._task is not None:
            await self._progress(timeout_s)
        if spooler is not None:
            await self._change_spool(spooler, timeout_s)
            self._current.dead_letters = dead_letters
        self.kick()
        return old

    async def _change_spool(self, spooler: Spooler, timeout_s: float) -> None:
        self._paused = True
        try:
            if self._task is not None:
                await asyncio.wait([self._task], timeout=timeout_s)
            while tasks := [task for task in (self._task, self._spilling) if task is not None]:
                if self._task is not None:
                    self._task.cancel()
                await asyncio.wait(tasks)
            previous, self._spooler = self._spooler, spooler
            await spooler.open()
            if previous is not None:
                if self._recalled:
                    previous.put_back(sum(batch.lines for batch in self._current.parts))
                    self._current.parts.clear()
                    self._recalled = False
                await previous.move_to(spooler)
        finally:
            self._paused = False

    def keep_rest(self) -> None:
        """After :meth:`close`: keep on disk what is left, where there is a spool."""
        if self._spooler is not None:
            self._spooler.keep_rest(self._current.parts, self._unspilled)
            self._current.parts.clear()
            self._unspilled.clear()
            self._spooler.close()

    async def close(self) -> None:
        """Send no more, and cancel what is in flight."""
        self._closed = True
        tasks = [task for task in (self._task, self._spilling) if task is not None]
        if self._task is not None:
            self._task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_S)
        self._notify()

    def _start(self, not_before: float) -> None:
        if self._task is not None or self._closed or self._paused:
            return
        if self._clock() >= not_before and self._has_work():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _has_work(self) -> bool:
        return (
            bool(self._current.parts)
            or self._buffer.settled < self._target
            or self._buffer.full_batch
            or bool(self._unspilled)
            or (self._spooler is not None and self._spooler.lines > 0)
        )

    async def _run(self) -> None:
        try:
            if self._securing and self._spilling is not None:
                # What would be sent is being moved to disk, from where it is sent then.
                await asyncio.wait([self._spilling])
            while not self._paused and self._has_work() and (self._current.parts or await self._take()):
                await self._send()
                self._notify()
                await asyncio.sleep(0)
        except TsmonError as error:
            asked_s = error.retry_after_s if isinstance(error, StoreUnavailableError) else None
            self._unavailable(str(error), asked_s)
            self._log.warning("unavailable", f"points are kept and sent again: {error}")
        except Exception as error:
            self._unavailable(f"{type(error).__name__}: {error}", None)
            self._log.warning("failed", "a flush failed; points are kept and sent again", error=error)
        finally:
            self._task = None
            self._notify()

    def _spill_if_due(self) -> None:
        spooler = self._spooler
        if spooler is None or self._spilling is not None or self._closed or self._paused:
            return
        if not self._buffer.waiting and not self._unspilled and not self._idle_in_memory(spooler):
            return
        if spooler.required or self._lagging or self._buffer.half_full:
            self._spilling = asyncio.get_running_loop().create_task(self._spill(spooler))

    def _idle_in_memory(self, spooler: Spooler) -> bool:
        """Whether a batch waits to be sent again that is not on disk, but may go there: nothing older is there."""
        in_memory = bool(self._current.parts) and not self._recalled
        return in_memory and self._task is None and not spooler.lines

    async def _spill(self, spooler: Spooler) -> None:
        """Move what waits to disk, and before it what is in flight, where that is only in memory and idle."""
        try:
            if self._idle_in_memory(spooler):
                self._securing = True
                while self._current.parts and await spooler.append(self._current.parts[0]):
                    self._current.parts.popleft()
                self._securing = False
            # Not until nothing waits any more: while lines keep coming, that may never be.
            self._buffer.seal()
            end = self._buffer.sealed
            while self._unspilled or self._buffer.taken < end:
                batch = self._unspilled.popleft() if self._unspilled else self._buffer.take()
                if batch is None:
                    break
                if not await spooler.append(batch):
                    self._unspilled.appendleft(batch)
                    break
                self._secured()
                # Who waits for something to send takes it before the disk is busy again.
                self._notify()
                await self._fed.wait()
            self._secured()
        finally:
            self._securing = False
            self._spilling = None
            self._start(self._not_before)
            self._notify()

    def _secured(self) -> None:
        if not self._unspilled and (self._recalled or not self._current.parts):
            self._buffer.secured()

    async def _take(self) -> bool:
        """Put the oldest batch to work: from disk, else from the buffer, by way of the disk where required."""
        batch = await self._recall(self._spooler) if self._spooler is not None else None
        if batch is None and self._unspilled:
            batch = self._unspilled.popleft()
        if batch is None and (self._spooler is None or not self._spooler.required):
            batch = self._buffer.take(self._current.max_bytes)
        if batch is None:
            return False
        self._current.begin(batch)
        return True

    async def _recall(self, spooler: Spooler) -> Batch | None:
        """The oldest batch on disk; None once nothing is there or on its way there."""
        await spooler.adopt_if_due()
        if spooler.required:
            self._spill_if_due()
        try:
            while True:
                batch = await spooler.recall()
                self._recalled = batch is not None
                if batch is not None or self._spilling is None:
                    return batch
                self._fed.clear()
                await self._progress(None)
        finally:
            self._fed.set()

    async def _send(self) -> None:
        current = self._current
        if not current.fits():
            await self._dealt_with()
            return
        refusal: str | None = None
        self._writing_since = self._clock()
        try:
            await self._store.write(current.parts[0].data)
        except BatchTooLargeError as error:
            refusal = str(error)
            current.too_large(refusal)
        except StoreRefusedError as error:
            refusal = str(error)
            current.refused(error)
        else:
            current.written()
        finally:
            self._writing_since = None
        await self._dealt_with()
        self._answered(refusal)

    async def _dealt_with(self) -> None:
        """Done with a part; and with a batch on disk, where that was its last part."""
        await self._current.keep_dead_letters()
        if self._recalled and not self._current.parts and self._spooler is not None:
            self._recalled = False
            await self._spooler.done()

    def _unavailable(self, reason: str, retry_after_s: float | None) -> None:
        self.last_error = reason
        self._lagging = self._spooler is not None
        now = self._clock()
        self._not_before = now + self._backoff.next_delay_s(retry_after_s)
        self._asked_until = now + (retry_after_s or 0.0)

    def _answered(self, refusal: str | None) -> None:
        self.last_error = refusal
        self._lagging = False
        self._not_before = self._asked_until = 0.0
        if self._backoff.failures:
            _log.info("the store answers again after %d failed tries", self._backoff.failures)
            self._backoff.reset()
        self._current.answered()

    def _report_full(self) -> None:
        lost = self._buffer.dropped_for("buffer full")
        if lost > self._full_reported:
            self._full_reported = lost
            self._log.warning(
                "buffer full",
                f"{lost} points were dropped so far, since the buffer is full; "
                "the store is away or too slow, or raise monitoring.buffer_bytes",
            )

    async def _progress(self, timeout_s: float | None) -> None:
        """Wait until a batch has been dealt with or a run has ended, or for so many seconds."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            self._waiters.discard(waiter)

    def _notify(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
