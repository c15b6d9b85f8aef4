"""Rollup tiers: the widths of windows in which a store keeps rollups, and how long it keeps them.

A rollup of a window holds, for each field of a series, the number of values, the times of the first and the last,
and their mean. Windows are aligned to the epoch. The width of each tier divides that of the next, so that a tier
can be computed from the one below; and a wider tier is kept at least as long as a narrower one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

__all__ = ["DEFAULT_TIERS", "RollupTier", "validate_tiers"]


@dataclass(frozen=True, slots=True, order=True)
class RollupTier:
    """Rollups in windows of ``every_ns``, kept for ``keep_ns`` nanoseconds; None keeps them for ever."""

    every_ns: int
    keep_ns: int | None = None


DEFAULT_TIERS: Final = (
    RollupTier(MINUTE_NS, 2 * DAY_NS),
    RollupTier(15 * MINUTE_NS, 30 * DAY_NS),
    RollupTier(HOUR_NS, 400 * DAY_NS),
    RollupTier(DAY_NS),
)


def validate_tiers(tiers: Iterable[RollupTier]) -> tuple[RollupTier, ...]:
    """The tiers from the narrowest to the widest; raises ValueError if they do not fit each other."""
    ordered = tuple(sorted(tiers, key=lambda tier: tier.every_ns))
    for tier in ordered:
        if tier.every_ns <= 0:
            raise ValueError(f"a tier of {tier.every_ns} ns is not positive")
        if tier.keep_ns is not None and tier.keep_ns < tier.every_ns:
            raise ValueError(f"the tier of {_seconds(tier.every_ns)} is kept for less than one of its windows")
    for narrow, wide in pairwise(ordered):
        pair = f"the tiers of {_seconds(narrow.every_ns)} and {_seconds(wide.every_ns)}"
        if wide.every_ns == narrow.every_ns:
            raise ValueError(f"{pair} are the same")
        if wide.every_ns % narrow.every_ns:
            raise ValueError(f"{pair} do not fit each other; each must be a multiple of the one below")
        if wide.keep_ns is not None and (narrow.keep_ns is None or narrow.keep_ns > wide.keep_ns):
            raise ValueError(f"{pair}: the narrower one is kept longer; keep the wider one at least as long")
        if narrow.keep_ns is not None and narrow.keep_ns < wide.every_ns:
            raise ValueError(f"{pair}: the narrower one is kept for less than one window of the wider one")
    return ordered


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / 1e9:g} s"
