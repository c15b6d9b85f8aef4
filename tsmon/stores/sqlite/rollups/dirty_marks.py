"""Marks of outdated rollups: the windows of the narrowest tier that writes have touched."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from tsmon.stores.sqlite.rollups.layout import MAX_TIME, MIN_TIME, Layout

__all__ = ["DirtyMarks"]

MAX_REMEMBERED: Final = 100_000


class DirtyMarks:
    """Marks windows in the current transaction; remembers which are already marked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._layout = Layout.read(connection)
        self._marked: set[tuple[int, int]] = set()
        self._points_from: dict[int, int] = {}

    @property
    def every_ns(self) -> int | None:
        """Width of the narrowest tier; None if there are no tiers, so that nothing needs marking."""
        tiers = self._layout.tiers
        return tiers[0].every_ns if tiers else None

    def mark(self, windows: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
        """Mark windows of the narrowest tier, given as pairs of series and window number.

        Returns series, start and end of those to roll up in this transaction instead, when their points are
        written: a window of some tier that contains them has lost points, so queries read its rollup in any case.
        """
        new = set(windows) - self._marked
        if not new:
            return []
        every_ns = self._layout.tiers[0].every_ns
        whole_from_ns = self._layout.whole_from_ns
        marks, late = [], []
        for series, window in sorted(new):
            start_ns = window * every_ns
            span = (series, max(start_ns, MIN_TIME), min(start_ns + every_ns, MAX_TIME))
            if start_ns < whole_from_ns and self._has_lost(series, start_ns):
                late.append(span)
            else:
                marks.append(span)
        self._connection.executemany(
            "INSERT INTO marks VALUES (?, ?, ?) "
            "ON CONFLICT (series, start_ns) DO UPDATE SET stop_ns = max(stop_ns, excluded.stop_ns)",
            marks,
        )
        if len(self._marked) + len(marks) > MAX_REMEMBERED:
            self._marked.clear()
        self._marked.update(new if not late else ((series, low // every_ns) for series, low, _ in marks))
        return late

    def _has_lost(self, series: int, time_ns: int) -> bool:
        """Whether a window around this time has lost points that are in no narrower tier."""
        from_ns = self._points_from.get(series)
        if from_ns is None:
            from_ns = self._points_from[series] = self._layout.points_from_of(self._connection, series)
        return any(
            tier.from_ns <= tier.floor(time_ns) < self._layout.lost_before(tier, from_ns)
            for tier in self._layout.tiers
        )
