"""Rungs: the widths of windows in which a store keeps rollups, and for how long.

A rollup of a window holds, for each field of a series, the number of its values, the times of the first and the
last, and their mean. Windows are aligned to the epoch. Each rung's width divides the next one's, so that a rung is
made of the one below; and a wider rung is kept at least as long as a narrower one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

__all__ = ["DEFAULT_RUNGS", "Rung", "checked_rungs"]


@dataclass(frozen=True, slots=True, order=True)
class Rung:
    """Rollups in windows of ``every_ns``, kept for ``keep_ns`` nanoseconds; None keeps them for ever."""

    every_ns: int
    keep_ns: int | None = None


DEFAULT_RUNGS: Final = (
    Rung(MINUTE_NS, 2 * DAY_NS),
    Rung(15 * MINUTE_NS, 30 * DAY_NS),
    Rung(HOUR_NS, 400 * DAY_NS),
    Rung(DAY_NS),
)


def checked_rungs(rungs: Iterable[Rung]) -> tuple[Rung, ...]:
    """The rungs from the narrowest to the widest; raises ValueError where they do not fit each other."""
    ordered = tuple(sorted(rungs, key=lambda rung: rung.every_ns))
    for rung in ordered:
        if rung.every_ns <= 0:
            raise ValueError(f"a rung of {rung.every_ns} ns is not positive")
        if rung.keep_ns is not None and rung.keep_ns < rung.every_ns:
            raise ValueError(f"the rung of {_seconds(rung.every_ns)} is kept for less than one of its windows")
    for narrow, wide in pairwise(ordered):
        pair = f"the rungs of {_seconds(narrow.every_ns)} and {_seconds(wide.every_ns)}"
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
