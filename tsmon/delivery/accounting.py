"""The accounting of a Monitor."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Counts", "DropReason"]

DropReason = str
"""Why points were dropped, such as ``buffer full``, ``rejected`` (by the store) or ``stopped``."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of points at one moment: ``accepted + recovered == written + pending + dropped``.

    Refused points (wrong type or name) were never accepted and are counted separately, as are single fields that
    were left out because they were NaN or infinite.
    """

    accepted: int
    """Emitted and encoded."""
    recovered: int
    """Found in the spool of an earlier process."""
    written: int
    """Acknowledged by the store."""
    pending: int
    """Waiting in memory or on disk, or in flight."""
    dropped_by: Mapping[DropReason, int]
    """Dropped, by reason."""
    refused: int
    """Points that could not be encoded."""
    nonfinite_fields: int
    """Fields left out because they were NaN, infinite or missing."""

    @property
    def dropped(self) -> int:
        """Dropped, for any reason."""
        return sum(self.dropped_by.values())
