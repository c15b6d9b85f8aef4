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
        self._frozen_before: dict[int, int] = {}

    @property
    def every_ns(self) -> int | None:
        """Width of the narrowest tier; None if there are no tiers, so that nothing needs marking."""
        tiers = self._layout.tiers
        return tiers[0].every_ns if tiers else None

    def mark(self, measurement: int, windows: Iterable[tuple[int, int]]) -> None:
        """Mark windows of the narrowest tier, given as pairs of series and window number.

        A window that lost points to retention is frozen: it keeps the values that were computed before.
        """
        new = set(windows) - self._marked
        if not new:
            return
        every_ns = self._layout.tiers[0].every_ns
        complete_from = -(-self._layout.points_from_ns // every_ns)
        marks = [
            (series, max(window * every_ns, MIN_TIME), min((window + 1) * every_ns, MAX_TIME))
            for series, window in sorted(new)
            if window >= complete_from
            or window >= self._find_frozen_before(series, every_ns)
            or self._thaw(measurement, series, window * every_ns)
        ]
        self._connection.executemany(
            "INSERT INTO marks VALUES (?, ?, ?) "
            "ON CONFLICT (series, start_ns) DO UPDATE SET stop_ns = max(stop_ns, excluded.stop_ns)",
            marks,
        )
        if len(self._marked) + len(new) > MAX_REMEMBERED:
            self._marked.clear()
        self._marked |= new

    def _find_frozen_before(self, series: int, every_ns: int) -> int:
        """Number of the first window of a series of which no points have been removed."""
        found = self._frozen_before.get(series)
        if found is None:
            from_ns = self._layout.points_from_of(self._connection, series)
            found = self._frozen_before[series] = -(-from_ns // every_ns)
        return found

    def _thaw(self, measurement: int, series: int, time_ns: int) -> bool:
        """Whether a window from before the points begin may be computed, since nothing of it was stored before."""
        tier = next((one for one in self._layout.tiers if one.from_ns <= time_ns), self._layout.tiers[-1])
        start_ns = max(tier.floor(time_ns), MIN_TIME)
        thawed = "SELECT 1 FROM thawed WHERE series = ? AND start_ns = ?"
        if self._connection.execute(thawed, (series, start_ns)).fetchone():
            return True
        table = tier.table(measurement)
        if self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            known = f"SELECT 1 FROM {table} WHERE series = ? AND window = ?"
            if self._connection.execute(known, (series, start_ns // tier.every_ns)).fetchone():
                return False
        self._connection.execute("INSERT INTO thawed VALUES (?, ?)", (series, start_ns))
        return True
