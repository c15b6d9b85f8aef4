"""The ledger of the buffer: everything that a move of lines changes, as one value."""

from collections import deque
from collections.abc import Mapping

import msgspec

from tsmon.delivery.accounting import DropReason
from tsmon.delivery.blocks import Batch, Blocks
from tsmon.delivery.outstanding import Outstanding

__all__ = ["Ledger", "Note"]

Note = tuple[DropReason | None, int]
"""Points that were accepted only to be dropped, or refused (None)."""


class Ledger(msgspec.Struct, frozen=True):
    """Numbers and lines at one moment.

    A move makes another ledger, and one assignment puts that in force; so wherever a move is interrupted, it has
    happened or it has not. Two things are exceptions: ``arriving`` and ``noted`` grow while the ledger is in force,
    each time by one call in C. Then the ledger that follows includes them, and has empty ones.
    """

    arriving: deque[str] = msgspec.field(default_factory=deque)
    """Lines that have been removed from the deque of the buffer and are not yet in a block."""
    noted: deque[Note] = msgspec.field(default_factory=deque)
    """Points that are not yet in the numbers below."""
    blocks: Blocks = msgspec.field(default_factory=Blocks)
    outstanding: Outstanding = msgspec.field(default_factory=Outstanding)
    handed: Batch | None = None
    """The batch that was taken last, until lines in flight are settled or moved."""
    in_flight_bytes: int = 0
    sealed: int = 0
    accepted_unsealed: int = 0
    refused: int = 0
    recovered: int = 0
    left_on_disk: int = 0
    durable: int = 0
    written: int = 0
    dropped: Mapping[DropReason, int] = {}
    closed_as: DropReason | None = None

    @property
    def taken(self) -> int:
        """Sequence number up to which no line waits in a block any more."""
        return self.sealed - self.blocks.lines

    @property
    def settled(self) -> int:
        """Sequence number up to which every line is written or dropped."""
        oldest = self.outstanding.oldest
        return self.taken if oldest is None else oldest


def add_dropped(dropped: Mapping[DropReason, int], reason: DropReason, lines: int) -> Mapping[DropReason, int]:
    """Return ``dropped`` with ``lines`` more for ``reason``."""
    return {**dropped, reason: dropped.get(reason, 0) + lines} if lines else dropped
