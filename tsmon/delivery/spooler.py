"""A Monitor's spool, between its buffer and its store.

Mode ``on``: lines go to disk when the store is away or lags, and at the stop. Mode ``required``: always, before
they are sent. Lines stay in order: what is in the spool is older than what is in the buffer. A disk that refuses
costs nothing but the durability: lines then stay in the bounded buffer, which is logged.
"""

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Literal, ParamSpec, TypeVar

from tsmon.delivery.buffer import Batch, Buffer
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.spool import Destination, Spool, SpooledBatch

__all__ = ["SpoolMode", "Spooler", "in_thread"]

_log = logging.getLogger("tsmon")

P = ParamSpec("P")
R = TypeVar("R")

ADOPT_EVERY_S: Final = 30.0

SpoolMode = Literal["off", "on", "required"]


class Spooler:
    """One Monitor's spool; used by its delivery task alone, and after that has ended by the stop."""

    def __init__(
        self,
        buffer: Buffer,
        root: Path,
        destination: Destination,
        *,
        required: bool,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._clock = clock
        self._adopt_at = 0.0
        self._required = required
        self._spool = Spool(root, destination, max_bytes=max_bytes, on_dropped=buffer.dropped_spooled)
        self._log = RateLimitedLog()
        self._oldest: SpooledBatch | None = None
        self._open = False
        self._disk = asyncio.Lock()
        # A stop does not wait for ever for a thread that works on a slow disk; it must not meet it there either.
        self._files = threading.Lock()

    @property
    def directory(self) -> Path:
        """Directory of the destination."""
        return self._spool.directory

    @property
    def required(self) -> bool:
        """Whether lines go to disk before they are sent."""
        return self._required

    @property
    def lines(self) -> int:
        """Lines that wait on disk."""
        return self._spool.lines

    async def open(self) -> None:
        """Adopt what ended processes left for the same destination."""
        async with self._disk:
            await in_thread(self._open_now)

    async def adopt_if_due(self) -> None:
        """Adopt, every so often, what processes left that have ended meanwhile."""
        if self._clock() >= self._adopt_at:
            await self.open()

    def _open_now(self) -> None:
        self._adopt_at = self._clock() + ADOPT_EVERY_S
        try:
            with self._files:
                recovered = self._spool.open()
        except OSError as error:
            self._failed(error)
            return
        self._open = True
        if recovered:
            self._buffer.recovered(recovered)
            _log.info("%d points of earlier processes were found in the spool; they are sent now", recovered)

    async def append(self, batch: Batch) -> bool:
        """Keep a batch in flight on disk; False where the disk refuses."""
        async with self._disk:
            return await in_thread(self._append, batch)

    async def recall(self) -> Batch | None:
        """The oldest batch on disk, now in flight; it stays on disk until :meth:`done`."""
        if not self._spool.lines:
            return None
        async with self._disk:
            self._oldest = await in_thread(self._read_oldest)
        if self._oldest is None:
            return None
        self._buffer.recalled(self._oldest.lines)
        return Batch(self._oldest.data(), self._oldest.lines)

    async def done(self) -> None:
        """The recalled batch is settled."""
        async with self._disk:
            if self._oldest is not None:
                oldest, self._oldest = self._oldest, None
                try:
                    await in_thread(self._done, oldest)
                except OSError as error:
                    self._failed(error)

    def keep_rest(self, work: Iterable[Batch], unspilled: Iterable[Batch]) -> None:
        """At the stop: keep what is left on disk, at once; what the disk refuses stays in flight.

        ``work`` is in flight and may be of the recalled batch, which is on disk already; ``unspilled`` is not.
        """
        if not self._open:
            self._open_now()
        if self._oldest is not None:
            self.put_back(sum(batch.lines for batch in work))
        elif not all(self._append(batch) for batch in work):
            return
        if all(self._append(batch) for batch in unspilled):
            while (batch := self._buffer.take()) is not None and self._append(batch):
                pass

    def put_back(self, lines: int) -> None:
        """So many lines of the recalled batch are not settled; it stays on disk, whole."""
        self._oldest = None
        self._buffer.returned(lines)

    async def move_to(self, other: "Spooler") -> None:
        """Leave what waits on disk to the spool of another destination, and close.

        What its disk refuses stays where it is, for a program that sends to the old destination; it is counted.
        """
        async with self._disk:
            await in_thread(self._move_to, other)

    def take_over(self, batch: SpooledBatch) -> None:
        """Keep a batch of another spool, which is counted as on disk already. Raises OSError."""
        with self._files:
            self._spool.append(batch.data(), batch.lines)

    def _move_to(self, other: "Spooler") -> None:
        with self._files:
            try:
                while (batch := self._spool.oldest()) is not None:
                    other.take_over(batch)
                    self._spool.done(batch)
            except OSError as error:
                left = self._spool.lines
                self._buffer.dropped_spooled(left, "left in the spool")
                _log.error(
                    "%d points stay in the spool for the old server, since that for the new one cannot be written "
                    "(%s); see `tsmon spool list`",
                    left,
                    error.strerror or error,
                )
        self.close()

    def close(self) -> None:
        """Leave what waits for the next process."""
        self._open = False
        try:
            with self._files:
                self._spool.close()
        except OSError as error:
            self._failed(error)

    def forget_after_fork(self) -> None:
        """In a forked child: begin anew; what was open is the parent's."""
        self._oldest = None
        self._spool.forget_after_fork()

    def _append(self, batch: Batch) -> bool:
        if not self._open:
            return False
        with self._files:
            try:
                self._spool.append(batch.data, batch.lines)
            except OSError as error:
                self._failed(error)
                return False
            self._buffer.spooled(batch.lines, batch.start)
        return True

    def _read_oldest(self) -> SpooledBatch | None:
        with self._files:
            return self._spool.oldest()

    def _done(self, oldest: SpooledBatch) -> None:
        with self._files:
            self._spool.done(oldest)

    def _failed(self, error: OSError) -> None:
        self._log.warning(
            "spool",
            f"the spool in {self._spool.directory} cannot be used ({error.strerror or error}); "
            "points wait in memory only",
        )


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Like ``asyncio.to_thread``, but a cancellation waits until the thread has ended: it works on our files."""
    try:
        future = asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *args, **kwargs))
    except RuntimeError:
        return function(*args, **kwargs)  # the interpreter is ending, and starts no more threads
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
