"""What a query reads: rollups where they are complete and unmarked, points elsewhere.

So results are exact at any moment, whether or not outdated rollups have been recomputed. Windows that hold what is
nowhere else are always read from the rollup, which writers keep up to date.
"""

import math
import sqlite3
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from tsmon.stores.sqlite.rollups.layout import MIN_TIME, Layout, TierLayout

__all__ = ["ReadPlan", "Segment"]

Interval = tuple[int, int]

_NOTHING_LOST: Final[Mapping[TierLayout, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of one series, to read from the rollups of a tier, or from the points (None)."""

    tier: TierLayout | None
    series: int
    start_ns: int
    stop_ns: int


class ReadPlan:
    """Splits spans by the rollups that a measurement has in one snapshot of the file."""

    def __init__(self, connection: sqlite3.Connection, measurement: int, series: Iterable[int]) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self._layout = Layout.read(connection)
        self._tiers = [tier for tier in reversed(self._layout.tiers) if tier.table(measurement) in tables]
        self._points_from: dict[int, int] = {}
        self.series = list(series)
        self._marks: dict[int, list[Interval]] = {}
        if not self._tiers:
            return
        wanted = set(self.series)
        for number, low, high in connection.execute(
            "SELECT series, start_ns, stop_ns FROM marks JOIN series ON series.id = marks.series "
            "WHERE series.measurement = ?",
            (measurement,),
        ):
            if number in wanted:
                self._marks.setdefault(number, []).append((low, high))
        if self._layout.points_from_ns != MIN_TIME:
            self._points_from = {number: self._layout.points_from_of(connection, number) for number in self._marks}

    @property
    def common_ns(self) -> int:
        """A width of windows that all rollups fit into, for questions about spans as a whole."""
        return math.lcm(*(tier.every_ns for tier in self._tiers))

    def has_tier(self, every_ns: int) -> bool:
        """Whether there are rollups of exactly this width."""
        return any(tier.every_ns == every_ns for tier in self._tiers)

    def only(self, series: int) -> Self:
        """The same for one series."""
        one = copy(self)
        one.series = [series]
        return one

    def split(self, start_ns: int, stop_ns: int, every_ns: int) -> list[Segment]:
        """Segments that cover the span of each series; none contains a rollup of two windows of ``every_ns``."""
        tiers = [tier for tier in self._tiers if every_ns % tier.every_ns == 0]
        if not tiers or start_ns >= stop_ns:
            return [Segment(None, number, start_ns, stop_ns) for number in self.series]
        found = []
        unmarked = _split(tiers, (start_ns, stop_ns), [])
        for number in self.series:
            marks = [(low, high) for low, high in self._marks.get(number, ()) if low < stop_ns and high > start_ns]
            parts = self._split_marked(tiers, number, (start_ns, stop_ns), marks) if marks else unmarked
            found += [Segment(tier, number, low, high) for tier, (low, high) in parts]
        return found

    def _split_marked(
        self, tiers: list[TierLayout], series: int, whole: Interval, marks: list[Interval]
    ) -> list[tuple[TierLayout | None, Interval]]:
        from_ns = self._points_from.get(series, MIN_TIME)
        lost = {} if from_ns == MIN_TIME else {tier: self._layout.lost_before(tier, from_ns) for tier in tiers}
        return _split(tiers, whole, marks, lost)


def _split(
    tiers: list[TierLayout], whole: Interval, marks: list[Interval], lost: Mapping[TierLayout, int] = _NOTHING_LOST
) -> list[tuple[TierLayout | None, Interval]]:
    """Parts of the span to read from each tier, the widest first, and from the points."""
    parts: list[tuple[TierLayout | None, Interval]] = []
    open_: list[Interval] = [whole]
    for tier in tiers:
        readable_ns = tier.ceil(lost.get(tier, MIN_TIME))
        dirty = sorted(
            (max(tier.floor(low), readable_ns), tier.ceil(high))
            for low, high in marks
            if tier.ceil(high) > readable_ns
        )
        left = []
        for low, high in open_:
            inner_low, inner_high = tier.ceil(max(low, tier.from_ns)), tier.floor(high)
            if inner_low >= inner_high:
                left.append((low, high))
                continue
            if low < inner_low:
                left.append((low, inner_low))
            at = inner_low
            for dirty_low, dirty_high in dirty:
                if dirty_high <= at or dirty_low >= inner_high:
                    continue
                if at < dirty_low:
                    parts.append((tier, (at, dirty_low)))
                left.append((max(at, dirty_low), min(dirty_high, inner_high)))
                at = max(at, dirty_high)
            if at < inner_high:
                parts.append((tier, (at, inner_high)))
            if inner_high < high:
                left.append((inner_high, high))
        open_ = left
    return parts + [(None, part) for part in open_]
