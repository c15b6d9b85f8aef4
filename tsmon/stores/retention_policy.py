"""How long a store keeps what it holds: what is wanted, what is in force, and what is about to become shorter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tsmon.stores.query_types import Selector

__all__ = [
    "GRACE_NS",
    "Expiring",
    "Narrowing",
    "ReportRemoved",
    "RetentionPolicy",
    "RetentionStatus",
    "ignore_removed",
]

ReportRemoved = Callable[[Mapping[str, int], Mapping[int, int]], None]
"""Called with the number of removed points by measurement, and of removed rollups by the width of their windows."""


def ignore_removed(_points: Mapping[str, int], _rollups: Mapping[int, int]) -> None:
    """Report to nobody."""


GRACE_NS: Final = 7 * 86_400_000_000_000
"""How long a shorter retention must be wanted before anything is removed by it, unless a person confirms it."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Nanoseconds for which points are kept, those of expected streams and all others; None: for ever."""

    points_ns: int | None = None
    streams_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Expiring:
    """What a shorter retention removes: rows by measurement, all from before a time."""

    before_ns: int
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A retention that is to become shorter, from ``keep_ns`` (None: for ever) to ``wanted_ns``, at ``due_ns``.

    ``subject`` is ``"points"``, ``"streams"``, or the width of a tier of rollups in nanoseconds. A tier that is to
    be removed has a ``wanted_ns`` of 0. ``due_ns`` is None until an agent has noted it, and 0 once it is confirmed.
    """

    subject: str | int
    keep_ns: int | None
    wanted_ns: int
    due_ns: int | None
    expiring: Expiring | None = None


@dataclass(frozen=True, slots=True)
class RetentionStatus:
    """The retention in force, what is about to become shorter, and widths of tiers that only the store has.

    ``streams`` is what :meth:`Store.keep_streams` has been called with, as far as that was queried.
    ``too_wide_tiers`` are widths of tiers that are not set up, since points expire before a window of theirs ends.
    """

    in_force: RetentionPolicy
    narrowings: Sequence[Narrowing] = ()
    unlisted_tiers: Sequence[int] = ()
    streams: Sequence[Selector] = ()
    too_wide_tiers: Sequence[int] = ()
