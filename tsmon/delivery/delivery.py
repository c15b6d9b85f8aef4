"""Delivery: take the next batch, send it, settle it; again and again, on a task of its own."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.current_batch import CurrentBatch
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.spooler import Spooler
from tsmon.delivery.waiters import Waiters
from tsmon.errors import (
    BatchTooLargeError,
    StoreRefusedError,
    StoreUnavailableError,
    TsmonError,
)
from tsmon.files.disk_thread import HANG_S
from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.stores import Store

__all__ = ["Delivery"]

_log = logging.getLogger("tsmon")

CANCEL_S: Final = HANG_S + 0.5
"""Limit of what is cancelled: longer than a write to a disk that may still succeed."""

LAG_S: Final = 1.0
"""A store lags when a write takes longer than this."""


class Delivery:
    """Sends what the buffer and the spooler hold, one batch at a time, oldest first.

    A store that is away is tried again after a jittered delay, for as long as it takes; new lines wait in the
    buffer or the spool meanwhile. All methods belong to one event loop, until :meth:`renew`.
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
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._log = RateLimitedLog(clock=clock)
        self._current = CurrentBatch(buffer, dead_letters, self._log)
        self._spooler = spooler
        if spooler is not None:
            spooler.attach(self, self._current)
        self._target = 0
        self._task: asyncio.Task[None] | None = None
        self._runs = 0
        self._closed = False
        self._paused = False
        self._progress = Waiters()
        self._writing_since: float | None = None
        self._not_before = 0.0
        self._store_asked_until = 0.0
        self._full_reported = 0
        self.last_error: str | None = None
        """Why the store did not take the last batch, or a part of it; None when it did."""

    @property
    def busy(self) -> bool:
        """Whether a delivery is under way."""
        return self._task is not None

    @property
    def halted(self) -> bool:
        """Whether nothing new may begin: during a change of the spool, and after the close."""
        return self._closed or self._paused

    def resume(self) -> None:
        """Lines have come to disk: send them unless a delivery is under way or it is too early to try again."""
        self._start(self._not_before)
        self._progress.wake()

    def kick(self) -> None:
        """Begin to send what waits, unless that is under way or it is too early to try again."""
        self._report_full()
        self._buffer.seal()
        self._target = max(self._target, self._buffer.sealed)
        if self._spooler is not None:
            if self._writing_since is not None and self._clock() - self._writing_since >= LAG_S:
                self._spooler.store_lags = True
            self._spooler.spill_if_due()
        self._start(self._not_before)

    async def settle(self, sequence: int, *, recovered: int = 0, last_chance_s: float | None = None) -> bool:
        """Wait until every line up to ``sequence`` is written or dropped; False if it was closed meanwhile.

        Wait also for ``recovered`` lines of those that earlier processes left on disk. The first try is made at
        once, unless the store itself asked for time; with ``last_chance_s``, even then if it asked for more than
        that many seconds. May be cancelled: the write under way continues.
        """
        self._target = max(self._target, sequence)
        asked_s = self._store_asked_until - self._clock()
        self._start(0.0 if last_chance_s is not None and asked_s > last_chance_s else self._store_asked_until)
        while not self._closed and (self._buffer.settled < sequence or self._buffer.recovered_settled < recovered):
            if self._task is None:
                self._start(self._not_before)
            if self._task is None:
                await self._progress.wait(max(self._not_before - self._clock(), 0.0))
            else:
                await self._progress.wait(None)
        return not self._closed

    async def change_store(
        self,
        store: Store,
        timeout_s: float,
        *,
        spooler: Spooler | None = None,
        dead_letters: DeadLetterFile | None = None,
    ) -> Store:
        """Send to ``store`` from now on; returns the old one when its last write has ended, or after ``timeout_s``.

        ``spooler`` is given if the new store has another destination: what waits on disk moves there.
        ``dead_letters`` keeps what that destination refuses.
        """
        old, self._store = self._store, store
        self._not_before = self._store_asked_until = 0.0
        self._current.max_bytes = None
        self._backoff.reset()
        if self._task is not None:
            await self._progress.wait(timeout_s)
        if spooler is not None:
            await self._change_spooler(spooler, timeout_s)
            self._current.dead_letters = dead_letters
        self.kick()
        return old

    async def keep_rest(self, patience_s: float) -> None:
        """After :meth:`close`: move what is left to disk, where there is a spool that takes it within that time."""
        self._account_for_interruption()
        if self._spooler is not None:
            await self._spooler.keep_rest(patience_s)
        self._current.parts.clear()

    def keep_rest_now(self, patience_s: float) -> None:
        """The blocking form of :meth:`keep_rest`."""
        self._account_for_interruption()
        if self._spooler is not None:
            self._spooler.keep_rest_now(patience_s)
        self._current.parts.clear()

    async def close(self) -> None:
        """Send no more, and cancel the write under way."""
        self._closed = True
        tasks = self._tasks()
        if self._task is not None:
            self._task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_S)
        self._progress.wake()

    def renew(self) -> None:
        """Begin again on the next event loop, after :meth:`close` or because the loop before has ended.

        What waits to be sent still waits; what was under way has ended.
        """
        for task in self._tasks():
            with contextlib.suppress(RuntimeError):
                task.cancel()
        self._runs += 1
        self._task = self._writing_since = None
        self._closed = self._paused = False
        self._progress = Waiters()
        if self._spooler is not None:
            self._spooler.renew()
        self._account_for_interruption()
        # A task that was destroyed with its loop can have held lines that nothing else holds.
        lost = self._buffer.in_flight - self._held_lines
        if lost > 0:
            self._buffer.count_dropped(lost, "event loop ended")
            _log.error("%d points in flight are lost, since their event loop was closed without an end", lost)

    @property
    def _held_lines(self) -> int:
        spooled = self._spooler.held_lines if self._spooler is not None else 0
        return spooled + sum([part.lines for part in self._current.parts])

    def _account_for_interruption(self) -> None:
        """Complete what the exception of a signal handler may have interrupted in the middle."""
        if self._spooler is not None and self._spooler.files.has_recalled:
            return  # All of it is on disk.
        parts, lost = self._current.parts, self._buffer.in_flight - self._held_lines
        if lost < 0 and parts and parts[0].lines == -lost:
            parts.popleft()  # It was settled.
        elif lost > 0 and (handed := self._buffer.handed) is not None and handed.lines == lost:
            parts.append(handed)  # It was taken.

    def _start(self, not_before: float) -> None:
        if self._task is not None or self.halted:
            return
        if self._clock() >= not_before and self._has_work():
            self._runs += 1
            self._task = asyncio.get_running_loop().create_task(self._run(self._runs))

    def _has_work(self) -> bool:
        return (
            bool(self._current.parts)
            or self._buffer.settled < self._target
            or self._buffer.full_batch
            or (self._spooler is not None and self._spooler.holds_lines)
        )

    async def _run(self, number: int) -> None:
        try:
            if self._spooler is not None:
                await self._spooler.wait_for_current()
            while not self._paused and self._has_work() and (self._current.parts or await self._take()):
                await self._send()
                self._progress.wake()
                await asyncio.sleep(0)
        except TsmonError as error:
            asked_s = error.retry_after_s if isinstance(error, StoreUnavailableError) else None
            self._retry_later(str(error), asked_s)
            self._log.warning("unavailable", f"points are kept and sent again: {error}")
        except Exception as error:
            self._retry_later(describe_error(error), None)
            self._log.warning("failed", "a flush failed; points are kept and sent again", error=error)
        finally:
            # Unless another loop has taken over.
            if number == self._runs:
                self._task = None
                self._progress.wake()

    async def _take(self) -> bool:
        """Begin the oldest batch: of the spooler, which knows what is on disk, or else of the buffer."""
        max_bytes = self._current.max_bytes
        if self._spooler is not None:
            batch = await self._spooler.take(max_bytes)
        else:
            batch = self._buffer.take(max_bytes)
        if batch is None:
            return False
        self._current.begin(batch)
        return True

    async def _send(self) -> None:
        """Write the first part of the current batch; settle it, or split it for the next writes."""
        current = self._current
        if current.split_if_too_large():
            await self._settle()
            return
        refusal: str | None = None
        self._writing_since = self._clock()
        try:
            await self._store.write(current.parts[0].data)
        except BatchTooLargeError as error:
            refusal = str(error)
            current.halve(refusal)
        except StoreRefusedError as error:
            refusal = str(error)
            current.isolate(error)
        else:
            current.settle_written()
        finally:
            self._writing_since = None
        await self._settle()
        self._note_answer(refusal)

    async def _settle(self) -> None:
        """Keep dead letters, and remove a batch from disk after its last part."""
        await self._current.keep_dead_letters()
        if self._spooler is not None:
            await self._spooler.remove_settled()

    async def _change_spooler(self, spooler: Spooler, timeout_s: float) -> None:
        previous = self._spooler
        self._paused = True
        try:
            if self._task is not None:
                await asyncio.wait([self._task], timeout=timeout_s)
            while tasks := self._tasks():
                if self._task is not None:
                    self._task.cancel()
                await asyncio.wait(tasks)
            self._spooler = spooler
            spooler.attach(self, self._current)
            if previous is None:
                await spooler.open()
            else:
                await previous.move_to(spooler)
        finally:
            self._paused = False

    def _tasks(self) -> list[asyncio.Task[None]]:
        """What is under way: a run of the delivery, a spill."""
        spill = self._spooler.spill if self._spooler is not None else None
        return [task for task in (self._task, spill) if task is not None]

    def _retry_later(self, reason: str, retry_after_s: float | None) -> None:
        self.last_error = reason
        if self._spooler is not None:
            self._spooler.store_lags = True
        now = self._clock()
        self._not_before = now + self._backoff.next_delay_s(retry_after_s)
        self._store_asked_until = now + (retry_after_s or 0.0)

    def _note_answer(self, refusal: str | None) -> None:
        self.last_error = refusal
        if self._spooler is not None:
            self._spooler.store_lags = False
        self._not_before = self._store_asked_until = 0.0
        if self._backoff.failures:
            _log.info("the store answers again after %d failed tries", self._backoff.failures)
            self._backoff.reset()
        self._current.note_answer()

    def _report_full(self) -> None:
        lost = self._buffer.dropped_for("buffer full")
        if lost > self._full_reported:
            self._full_reported = lost
            self._log.warning(
                "buffer full",
                f"{lost} points were dropped so far, since the buffer is full; "
                "the store is away or too slow, or raise monitoring.buffer_bytes",
            )
