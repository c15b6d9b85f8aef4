"""From the buffer to the store: batch by batch, retried until it is there or refused for good."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from tsmon.backoff import Backoff
from tsmon.buffer import Batch, Buffer
from tsmon.errors import BatchTooLargeError, StoreRefusedError, StoreUnavailableError
from tsmon.line_protocol import split_lines
from tsmon.stores import Store

__all__ = ["Delivery"]

_log = logging.getLogger("tsmon")

LOG_INTERVAL_S: Final = 60.0
REQUESTS_TO_ISOLATE: Final = 64
"""Writes spent at most to find the bad lines of one batch; what is not told apart by then is given up."""


class Delivery:
    """Sends what the buffer holds, one batch at a time, oldest first.

    A store that is away is tried again after a jittered delay, for as long as it takes; new lines wait in the
    buffer meanwhile.
    """

    def __init__(
        self,
        buffer: Buffer,
        store: Store,
        *,
        max_lines: int,
        max_bytes: int,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._store = store
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._work: deque[Batch] = deque()
        self._requests_left = 0
        self._busy = False
        self._change: asyncio.Future[None] | None = None
        self._not_before = 0.0
        self._logged_at = -LOG_INTERVAL_S
        self.last_error: str | None = None
        """What the store said last, if it was no success."""

    async def run(self, *, at_once: bool = False) -> None:
        """Send until nothing waits or the store is away; returns at once where a delivery is under way."""
        if self._busy or (not at_once and self._clock() < self._not_before):
            return
        self._busy = True
        try:
            while self._work or self._take():
                await self._send(self._work[0])
                self._available()
        except StoreUnavailableError as error:
            self._unavailable(error)
        finally:
            self._busy = False
            self._notify()

    async def change_store(self, store: Store, timeout_s: float) -> Store:
        """Send to ``store`` from now on; returns the old one when its last write has ended, or after a while."""
        old, self._store = self._store, store
        self._not_before = 0.0
        if self._busy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await asyncio.shield(self._next_change())
        return old

    async def settle(self, sequence: int) -> None:
        """Wait until every line up to ``sequence`` is written or dropped; the first try is made at once."""
        await self.run(at_once=True)
        while self._buffer.settled < sequence:
            if self._busy:
                await asyncio.shield(self._next_change())
            else:
                await asyncio.sleep(max(self._not_before - self._clock(), 0.0))
                await self.run()

    def _take(self) -> bool:
        batch = self._buffer.take(self._max_lines, self._max_bytes)
        if batch is None:
            return False
        self._work.append(batch)
        self._requests_left = REQUESTS_TO_ISOLATE
        return True

    async def _send(self, batch: Batch) -> None:
        try:
            await self._store.write(batch.data)
        except BatchTooLargeError as error:
            self._max_bytes = max(len(batch.data) // 2, 1024)
            self._halve_or_reject(batch, str(error))
        except StoreRefusedError as error:
            if error.lines is None:
                self._requests_left -= 1
                self._halve_or_reject(batch, str(error), halve=self._requests_left > 0)
            else:
                self._work.popleft()
                refused = min(error.lines, batch.lines)
                self._buffer.written(batch.lines - refused)
                self._rejected(refused, str(error))
        else:
            self._work.popleft()
            self._buffer.written(batch.lines)

    def _halve_or_reject(self, batch: Batch, reason: str, *, halve: bool = True) -> None:
        self._work.popleft()
        if batch.lines == 1 or not halve:
            self._rejected(batch.lines, reason)
            return
        lines = [line for _, line in split_lines(batch.data)]
        middle = len(lines) // 2
        self._work.extendleft(
            Batch("\n".join(part).encode(), len(part)) for part in (lines[middle:], lines[:middle])
        )

    def _rejected(self, lines: int, reason: str) -> None:
        if lines:
            self._buffer.dropped(lines, "rejected")
            self.last_error = reason
            self._log_limited(f"{lines} points were rejected and dropped: {reason}")

    def _unavailable(self, error: StoreUnavailableError) -> None:
        self.last_error = str(error)
        delay_s = self._backoff.next_delay_s(error.retry_after_s)
        self._not_before = self._clock() + delay_s
        self._log_limited(f"{error}; points are kept and sent again")

    def _available(self) -> None:
        self._notify()
        self._not_before = 0.0
        if self._backoff.failures:
            _log.info("the store answers again after %d failed tries", self._backoff.failures)
            self._backoff.reset()
            self.last_error = None

    def _next_change(self) -> asyncio.Future[None]:
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        return self._change

    def _notify(self) -> None:
        if self._change is not None:
            self._change.set_result(None)
            self._change = None

    def _log_limited(self, message: str) -> None:
        now = self._clock()
        if now - self._logged_at >= LOG_INTERVAL_S:
            self._logged_at = now
            _log.warning("%s", message)
