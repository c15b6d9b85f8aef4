"""Windows that have lost points to retention: what was computed of them stays, and later points are added.

What is known of the removed points of a window is in the table ``removed``, by field (0: all points; times are from
the window's start), as long as other points of the window are stored. Where nothing is noted of a window, its
rollup is all about removed points. If from the first removed point to the last no fewer are stored than were
removed, they were imported again, perhaps with more of them, and the stored ones count alone. Otherwise those
before the first and after the last are added. Those between may be the same ones, written again, as after a replay.
So a rollup never shrinks, nothing counts twice, and history may come in pieces of any length.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tsmon.stores.sqlite.rollups.layout import MAX_TIME, MIN_TIME, TierLayout

__all__ = ["Partial", "RemovedPoints", "Row"]

Row = tuple[int, int, int, int, int, *tuple[float | None, ...]]
"""Series, window, number of points, times of the first and the last, and the mean of each field."""

Partial = tuple[int, int, int, int, int, int]
"""Series, window, field, and its own number of values, times of the first and the last."""

ALL: Final = 0


@dataclass(frozen=True, slots=True)
class _Extent:
    """Number of values, times of the first and the last, and their mean."""

    count: int
    first_ns: int
    last_ns: int
    mean: float | None = None

    def includes(self, other: "_Extent") -> bool:
        """Whether these may be all values of the other and more."""
        return self.count >= other.count and self.first_ns <= other.first_ns and self.last_ns >= other.last_ns

    def __add__(self, other: "_Extent") -> "_Extent":
        count = self.count + other.count
        mean = self.mean
        if self.mean is not None and other.mean is not None:
            mean = (self.mean * self.count + other.mean * other.count) / count
        return _Extent(count, min(self.first_ns, other.first_ns), max(self.last_ns, other.last_ns), mean)


class RemovedPoints:
    """What is known of the removed points of one measurement's windows, in one tier."""

    def __init__(self, connection: sqlite3.Connection, measurement: int, tier: TierLayout) -> None:
        self._connection = connection
        self._measurement = measurement
        self._tier = tier

    def merge(self, row: Row, partial: Sequence[Partial], fields: Sequence[int]) -> tuple[Row, list[Partial]]:
        """The rollup of a window, with its removed points, from what was computed of the present ones."""
        series, window = row[:2]
        removed = self._find(series, window)
        if not removed:
            return row, list(partial)
        own = {one[2]: one[3:] for one in partial}
        total = self._combine(removed.get(ALL), _Extent(*row[2:5]), series, window, ALL)
        assert total is not None  # a row has points
        means: list[float | None] = []
        extents: list[Partial] = []
        for field, mean in zip(fields, row[5:], strict=True):
            present = None if mean is None else _Extent(*own.get(field, row[2:5]), mean)
            values = self._combine(removed.get(field), present, series, window, field)
            means.append(None if values is None else values.mean)
            if values is not None and (values.count, values.first_ns, values.last_ns) != (
                total.count,
                total.first_ns,
                total.last_ns,
            ):
                extents.append((series, window, field, values.count, values.first_ns, values.last_ns))
        return (series, window, total.count, total.first_ns, total.last_ns, *means), extents

    def remove(self, series: int, before_ns: int, *, is_cut: bool, was_lost_before_ns: int) -> None:
        """Note of the window around ``before_ns`` which points before that are about to be removed.

        Nothing needs to be noted of earlier windows, which will have no other points, nor of this one unless
        ``is_cut`` or something is noted already. ``was_lost_before_ns`` is the time before which points had been
        removed earlier.
        """
        window = before_ns // self._tier.every_ns
        start_ns = window * self._tier.every_ns
        key = (series, self._tier.number, window)
        self._connection.execute("DELETE FROM removed WHERE series = ? AND rung = ? AND window < ?", key)
        noted_before = "SELECT 1 FROM removed WHERE series = ? AND rung = ? AND window = ? LIMIT 1"
        if start_ns == before_ns or not (is_cut or self._connection.execute(noted_before, key).fetchone()):
            return
        rest = f"SELECT 1 FROM m{self._measurement} WHERE series = ? AND time_ns BETWEEN ? AND ? LIMIT 1"
        end_ns = min(start_ns + self._tier.every_ns - 1, MAX_TIME)
        if self._connection.execute(rest, (series, before_ns, end_ns)).fetchone() is None:
            self._connection.execute("DELETE FROM removed WHERE series = ? AND rung = ? AND window = ?", key)
            return
        removed = self._find(series, window) if start_ns < was_lost_before_ns else {}
        fields = [
            number
            for (number,) in self._connection.execute(
                "SELECT number FROM fields WHERE measurement = ?", (self._measurement,)
            )
        ]
        noted: dict[int, _Extent] = {}
        for field in (ALL, *fields):
            going = self._query(series, max(start_ns, MIN_TIME), before_ns - 1, field)
            values = self._combine(removed.get(field), going, series, window, field, before_ns)
            if values is not None:
                noted[field] = values
        self._note(series, window, noted)

    def _find(self, series: int, window: int) -> Mapping[int, _Extent]:
        """What was removed of a window, by field; if nothing is noted, note what the stored rollup is about."""
        start_ns = window * self._tier.every_ns
        found = {
            field: _Extent(count, start_ns + first, start_ns + last, mean)
            for field, count, first, last, mean in self._connection.execute(
                "SELECT field, count, first, last, mean FROM removed WHERE series = ? AND rung = ? AND window = ?",
                (series, self._tier.number, window),
            )
        }
        if not found:
            found = self._read_rollup(series, window)
            self._note(series, window, found)
        return {field: values for field, values in found.items() if values.count}

    def _note(self, series: int, window: int, removed: Mapping[int, _Extent]) -> None:
        start_ns = window * self._tier.every_ns
        key = (series, self._tier.number, window)
        self._connection.executemany(
            "INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*key, field, values.count, values.first_ns - start_ns, values.last_ns - start_ns, values.mean)
                for field, values in (removed or {ALL: _Extent(0, start_ns, start_ns)}).items()
            ],
        )

    def _combine(
        self,
        removed: _Extent | None,
        present: _Extent | None,
        series: int,
        window: int,
        field: int,
        before_ns: int = MAX_TIME,
    ) -> _Extent | None:
        """Removed points of a window together with the present ones, or those of them from before a time."""
        if removed is None or present is None:
            return removed or present
        again = self._query(series, removed.first_ns, removed.last_ns, field) if present.includes(removed) else None
        if again is not None and again.includes(removed):
            return present
        start_ns = window * self._tier.every_ns
        end_ns = min(start_ns + self._tier.every_ns, before_ns)
        for low_ns, high_ns in (
            (max(start_ns, MIN_TIME), removed.first_ns - 1),
            (removed.last_ns + 1, end_ns - 1),
        ):
            more = self._query(series, low_ns, high_ns, field)
            if more is not None:
                removed += more
        return removed

    def _query(self, series: int, low_ns: int, high_ns: int, field: int) -> _Extent | None:
        """Number, first, last and mean of the stored values of a span; None if there are none."""
        if low_ns > high_ns:
            return None
        column = f"c{field}" if field else "series"
        mean = f"avg({column})" if field else "NULL"
        count, first_ns, last_ns, mean = self._connection.execute(
            f"SELECT count(*), min(time_ns), max(time_ns), {mean} FROM m{self._measurement} "
            f"WHERE series = ? AND time_ns BETWEEN ? AND ? AND {column} IS NOT NULL",
            (series, low_ns, high_ns),
        ).fetchone()
        return _Extent(count, first_ns, last_ns, mean) if count else None

    def _read_rollup(self, series: int, window: int) -> dict[int, _Extent]:
        """What the stored rollup of a window says, by field."""
        start_ns = window * self._tier.every_ns
        row = self._connection.execute(
            f"SELECT * FROM {self._tier.table(self._measurement)} WHERE series = ? AND window = ?", (series, window)
        ).fetchone()
        if row is None:
            return {}
        count, first, last, *means = row[2:]
        own = {
            field: (values, start_ns + low, start_ns + high)
            for field, values, low, high in self._connection.execute(
                "SELECT field, count, first, last FROM partial WHERE series = ? AND rung = ? AND window = ?",
                (series, self._tier.number, window),
            )
        }
        total = (count, start_ns + first, start_ns + last)
        known = {
            field: _Extent(*own.get(field, total), mean)
            for field, mean in enumerate(means, start=1)
            if mean is not None
        }
        return {ALL: _Extent(*total), **known}
