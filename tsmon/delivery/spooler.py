"""The spooler: decides what is spilled to disk, and what is sent next.

Mode ``on``: lines go to disk when the store is away or lags, when half of the buffer is used, and at the stop.
Mode ``required``: always, before they are sent. Lines stay in order: those on disk are always older than those in
the buffer, and are sent first.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tsmon.delivery.blocks import Batch
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.current_batch import CurrentBatch
from tsmon.delivery.spool_files import SpoolFiles
from tsmon.spool import Destination

__all__ = ["Spooler"]


class Sender(Protocol):
    """What a spooler needs of the delivery that it works for."""

    @property
    def busy(self) -> bool:
        """Whether the current batch is being sent."""

    @property
    def halted(self) -> bool:
        """Whether nothing new may begin."""

    def resume(self) -> None:
        """Lines have come to disk."""


class Spooler:
    """Stands between the buffer and one :class:`~tsmon.delivery.delivery.Delivery`, on its event loop.

    A spill is a task that moves to disk what waits in the buffer when it begins, batch by batch; what is on disk
    is recalled and sent meanwhile.
    """

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
        self._required = required
        self.files = SpoolFiles(buffer, root, destination, max_bytes=max_bytes, clock=clock)
        """What is on disk."""
        self.store_lags = False
        """Whether the store is away or slow, so that lines behind it should go to disk; the delivery says so."""
        self.spill: asyncio.Task[None] | None = None
        """The spill under way."""
        self._unspilled: deque[Batch] = deque()  # taken to be spilled, but the disk refused
        self._moves_current = False
        self._moved = asyncio.Event()
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    def attach(self, sender: Sender, current: CurrentBatch) -> None:
        """Work for the delivery ``sender``, which sends ``current``."""
        self._sender = sender
        self._current = current

    async def open(self) -> None:
        """Adopt what ended processes left for the same destination, and report what they left for others."""
        await self.files.open()
        await self.files.report_stranded()

    @property
    def holds_lines(self) -> bool:
        """Whether lines wait here: on disk, or in memory because the disk refused them."""
        return bool(self._unspilled) or self.files.lines > 0

    def spill_if_due(self) -> None:
        """Begin a spill if something waits in memory that should be on disk."""
        if self.spill is not None or self._sender.halted or not self.files.accepts:
            return
        if not self._buffer.waiting and not self._unspilled and not self._current_may_be_spilled():
            return
        if self._required or self.store_lags or self._buffer.half_full:
            self.spill = asyncio.get_running_loop().create_task(self._spill())

    async def take(self, max_bytes: int | None) -> Batch | None:
        """The oldest batch, now in flight: from disk, else from memory, of at most ``max_bytes``.

        In mode ``required`` lines are sent from memory only while the disk refuses them. None if there is nothing
        to send.
        """
        await self.files.adopt_if_due()
        if self._required:
            self.spill_if_due()
        batch = await self._recall()
        if batch is None and self._unspilled:
            batch = self._unspilled.popleft()
        if batch is None and not (self._required and self.files.accepts):
            batch = self._buffer.take(max_bytes)
        return batch

    async def wait_for_current(self) -> None:
        """Wait while the current batch is being moved to disk, from where it is sent then."""
        if self._moves_current and self.spill is not None:
            await asyncio.wait([self.spill])

    async def remove_settled(self) -> None:
        """Remove the recalled batch from disk if all of it is settled."""
        if self.files.has_recalled and not self._current.parts:
            await self.files.remove_recalled()

    async def keep_rest(self, patience_s: float) -> None:
        """At the stop: move what is left to disk, at once, and close.

        What the disk refuses, or does not take for ``patience_s``, stays in flight.
        """
        await self.files.keep(self._list_held(), patience_s)
        self._unspilled.clear()

    def keep_rest_now(self, patience_s: float) -> None:
        """The blocking form of :meth:`keep_rest`."""
        self.files.keep_now(self._list_held(), patience_s)
        self._unspilled.clear()

    async def move_to(self, other: "Spooler") -> None:
        """Open the spooler of another destination, leave everything to it, and close."""
        self._put_back()
        other.take_over(self._unspilled, store_lags=self.store_lags)
        await other.open()
        await self.files.move_to(other.files)

    def take_over(self, unspilled: deque[Batch], *, store_lags: bool) -> None:
        """Continue from the state of another spooler."""
        self._unspilled = unspilled
        self.store_lags = store_lags

    @property
    def held_lines(self) -> int:
        """Lines in flight that wait to be moved to disk."""
        return sum([batch.lines for batch in list(self._unspilled)])

    def renew(self) -> None:
        """Begin again on the next event loop; the spill and the write that were under way have ended."""
        self._put_back()
        self.spill = None
        self._moves_current = False
        self._moved = asyncio.Event()
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    def forget_after_fork(self) -> None:
        """In a forked child: what was open belongs to the parent."""
        self.files.forget_after_fork()

    async def _recall(self) -> Batch | None:
        """The oldest batch on disk; None once nothing is there or on its way there."""
        try:
            while (batch := await self.files.recall()) is None and self.spill is not None:
                self._nobody_waits.clear()
                self._moved.clear()
                await self._moved.wait()
            return batch
        finally:
            self._nobody_waits.set()

    def _current_may_be_spilled(self) -> bool:
        """Whether the current batch waits in memory to be sent again, and nothing on disk is older."""
        waits = bool(self._current.parts) and not self._sender.busy
        return waits and not self.files.has_recalled and not self.files.lines

    async def _spill(self) -> None:
        moved = self._moved
        try:
            if self._current_may_be_spilled():
                self._moves_current = True
                parts = self._current.parts
                while parts and not self._sender.halted and await self.files.append(parts):
                    pass
                self._moves_current = False
            # Not until nothing waits any more: while lines keep coming, that may never be.
            self._buffer.seal()
            end = self._buffer.sealed
            while not self._sender.halted and (self._unspilled or self._buffer.taken < end):
                if not self._unspilled:
                    if (batch := self._buffer.take()) is None:
                        break
                    self._unspilled.append(batch)
                if not await self.files.append(self._unspilled):
                    break
                self._mark_durable()
                self._announce_move()
                # A recall that waits for this batch reads it before the disk is busy again.
                await self._nobody_waits.wait()
            self._mark_durable()
        finally:
            # Unless another loop has taken over.
            if moved is self._moved:
                self._moves_current = False
                self.spill = None
                self._announce_move()

    def _mark_durable(self) -> None:
        """All that was taken is on disk or settled, unless some of it waits in memory to be spilled or sent."""
        if not self._unspilled and (self.files.has_recalled or not self._current.parts):
            self._buffer.mark_durable()

    def _announce_move(self) -> None:
        self._moved.set()
        self._sender.resume()

    def _put_back(self) -> None:
        """Leave the recalled batch on disk, if there is one."""
        if self.files.has_recalled:
            # Not by its parts, of which an interruption may have lost one.
            self.files.put_back(self._buffer.in_flight - self.held_lines)
            self._current.parts.clear()

    def _list_held(self) -> list[deque[Batch]]:
        """The batches in memory that are to be on disk, oldest first."""
        self._put_back()
        return [self._current.parts, self._unspilled]
