"""The accounting of a Monitor."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Counts", "DropReason"]

DropReason = str
"""Why points were dropped: ``buffer full``, ``rejected`` (by the store) or ``stopped``."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of points, taken at one moment: ``accepted + recovered == written + pending + dropped``.

    Refused points (wrong type or name) were never accepted and stand apart, as do single fields that were left
    out because they were NaN or infinite.
    """

    accepted: int
    """Emitted and encoded."""
    recovered: int
    """Found in the spool of an earlier process."""
    written: int
    """Acknowledged by the store."""
    pending: int
    """Waiting or on their way."""
    dropped_by: Mapping[DropReason, int]
    """Given up, by reason."""
    refused: int
    """Points that could not be encoded."""
    nonfinite_fields: int
    """Fields left out for being NaN or infinite."""

    @property
    def dropped(self) -> int:
        """Given up, for whatever reason."""
        return sum(self.dropped_by.values())
