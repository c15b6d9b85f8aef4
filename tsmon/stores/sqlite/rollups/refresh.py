"""Recomputation of marked windows: the narrowest tier from the points, each wider one from a tier that divides it.

A window is always computed whole, from everything that is stored of it, so the order and number of writes do not
matter. A wider window of which some narrower ones have been removed is computed from the points; what it counts of
removed points stays, see :mod:`tsmon.stores.sqlite.rollups.removed_points`.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tsmon.stores.sqlite.rollups.layout import MAX_TIME, MIN_TIME, Layout, TierLayout, transaction, window_number
from tsmon.stores.sqlite.rollups.removed_points import Partial, RemovedPoints, Row

__all__ = ["create_rollup_table", "refresh", "roll_up"]

STEP_MARKS: Final = 2_000
STEP_POINTS: Final = 50_000
STEP_FIELDS: Final = 400
"""Limits of one step: marks, points of one mark, fields in one statement (SQLite's limit is 2,000 columns)."""

NUMBERS: Final = ("float", "integer", "unsigned")

_SPANS: Final = (
    "SELECT json_extract(value, '$[0]') AS series, json_extract(value, '$[1]') AS low, "
    "json_extract(value, '$[2]') AS high FROM json_each(:spans)"
)


@dataclass(frozen=True, slots=True)
class _Span:
    series: int
    start_ns: int
    stop_ns: int


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    has_mean: bool


def refresh(connection: sqlite3.Connection) -> bool:
    """Recompute some marked windows, in one transaction; return whether there may be more."""
    with transaction(connection):
        return _refresh(connection)


def roll_up(connection: sqlite3.Connection, measurement: int, spans: Iterable[tuple[int, int, int]]) -> None:
    """Recompute the windows that contain these spans (series, start, end), in the current transaction."""
    _compute(connection, Layout.read(connection), measurement, [_Span(*span) for span in spans])


def _refresh(connection: sqlite3.Connection) -> bool:
    layout = Layout.read(connection)
    if not layout.tiers:
        return False
    first = connection.execute(
        "SELECT measurement FROM series WHERE id = (SELECT series FROM marks LIMIT 1)"
    ).fetchone()
    if first is None:
        return connection.execute("DELETE FROM marks WHERE series NOT IN (SELECT id FROM series)").rowcount > 0
    measurement: int = first[0]
    _compute(connection, layout, measurement, list(_take(connection, measurement, layout.tiers[0])))
    return True


def _compute(connection: sqlite3.Connection, layout: Layout, measurement: int, spans: Sequence[_Span]) -> None:
    fields = [
        _Field(number, type_ in NUMBERS)
        for number, type_ in connection.execute(
            "SELECT number, type FROM fields WHERE measurement = ? ORDER BY number", (measurement,)
        )
    ]
    for tier in layout.tiers:
        create_rollup_table(connection, tier.table(measurement), len(fields))
    for i in range(0, len(fields), STEP_FIELDS):
        rollup = _Rollup(connection, layout, measurement, fields[i : i + STEP_FIELDS])
        for tier in layout.tiers:
            rollup.compute(tier, spans)


def _take(connection: sqlite3.Connection, measurement: int, narrow: TierLayout) -> Iterator[_Span]:
    """Remove some marks of a measurement (of a long one its beginning), and yield the spans that they cover."""
    marks = connection.execute(
        "SELECT series, start_ns, stop_ns FROM marks WHERE series IN (SELECT id FROM series WHERE measurement = ?) "
        "ORDER BY series, start_ns LIMIT ?",
        (measurement, STEP_MARKS),
    ).fetchall()
    for series, start_ns, stop_ns in marks:
        connection.execute("DELETE FROM marks WHERE series = ? AND start_ns = ?", (series, start_ns))
        if stop_ns - start_ns > narrow.every_ns:
            query = (
                f"SELECT time_ns FROM m{measurement} WHERE series = ? AND time_ns >= ? AND time_ns < ? "
                "ORDER BY time_ns LIMIT 1 OFFSET ?"
            )
            edge = connection.execute(query, (series, start_ns, stop_ns, STEP_POINTS)).fetchone()
            if edge is not None and (rest_ns := narrow.floor(edge[0]) + narrow.every_ns) < stop_ns:
                connection.execute(
                    "INSERT INTO marks VALUES (?, ?, ?) "
                    "ON CONFLICT (series, start_ns) DO UPDATE SET stop_ns = max(stop_ns, excluded.stop_ns)",
                    (series, rest_ns, stop_ns),
                )
                yield _Span(series, start_ns, rest_ns)
                return
        yield _Span(series, start_ns, stop_ns)


def create_rollup_table(connection: sqlite3.Connection, table: str, fields: int) -> None:
    """Create a table of rollups for so many fields, or add missing columns."""
    present = connection.execute("SELECT count(*) FROM pragma_table_info(?)", (table,)).fetchone()[0]
    if not present:
        columns = "".join(f", c{number} REAL" for number in range(1, fields + 1))
        connection.execute(
            f"CREATE TABLE {table} (series INTEGER NOT NULL, window INTEGER NOT NULL, count INTEGER NOT NULL, "
            f"first INTEGER NOT NULL, last INTEGER NOT NULL{columns}, PRIMARY KEY (series, window)) WITHOUT ROWID"
        )
    for number in range(max(present - 4, 1), fields + 1) if present else ():
        connection.execute(f"ALTER TABLE {table} ADD COLUMN c{number} REAL")


class _Rollup:
    """Computes windows of one measurement, for some of its fields."""

    def __init__(
        self, connection: sqlite3.Connection, layout: Layout, measurement: int, fields: Sequence[_Field]
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._measurement = measurement
        self._fields = fields
        self._points = f"m{measurement}"

    def compute(self, tier: TierLayout, spans: Sequence[_Span]) -> None:
        """Compute the windows of one tier that the spans touch; narrower tiers are computed before."""
        below = self._layout.find_below(tier)
        from_below: list[tuple[int, int, int]] = []
        from_points: list[tuple[int, int, int]] = []
        for span in _widen(spans, tier):
            start_ns, stop_ns = span.start_ns, span.stop_ns
            # Windows that begin before the tier below does are computed from points.
            turn_ns = min(max(start_ns, tier.ceil(below.from_ns)), stop_ns) if below else stop_ns
            if start_ns < turn_ns:
                from_points.append((span.series, start_ns, turn_ns))
            if turn_ns < stop_ns:
                from_below.append((span.series, turn_ns, stop_ns))
        if from_points:
            self._from_points(tier, from_points)
        if below is not None and from_below:
            self._from_below(tier, below, from_below)

    def _from_points(self, tier: TierLayout, spans: list[tuple[int, int, int]]) -> None:
        columns = "".join(
            f", avg(c{f.number}), count(c{f.number})"
            if f.has_mean
            else f", CASE WHEN count(c{f.number}) THEN 1 END, count(c{f.number})"
            for f in self._fields
        )
        rows = self._connection.execute(
            f"SELECT p.series, {window_number('time_ns', ':every')} AS number, count(*), "
            f"min(time_ns), max(time_ns){columns} FROM ({_SPANS}) AS spans CROSS JOIN {self._points} AS p "
            "ON p.series = spans.series AND time_ns >= low AND time_ns < high GROUP BY p.series, number",
            {"every": tier.every_ns, "spans": json.dumps(_clamp(spans))},
        ).fetchall()

        def extent(series: int, window: int, field: int) -> tuple[int, int]:
            start_ns = window * tier.every_ns
            return self._connection.execute(  # type: ignore[no-any-return]
                f"SELECT min(time_ns), max(time_ns) FROM {self._points} "
                f"WHERE series = ? AND time_ns >= ? AND time_ns <= ? AND c{field} IS NOT NULL",
                (series, max(start_ns, MIN_TIME), min(start_ns + tier.every_ns - 1, MAX_TIME)),
            ).fetchone()

        partial = []
        for row in rows:
            series, window, total = row[:3]
            for i, field in enumerate(self._fields):
                count = row[6 + 2 * i]
                if 0 < count < total:
                    first_ns, last_ns = extent(series, window, field.number)
                    partial.append((series, window, field.number, count, first_ns, last_ns))
        means = [(*row[:5], *row[5::2]) for row in rows]
        whole_from_ns = self._layout.whole_from_ns
        if any(row[1] * tier.every_ns < whole_from_ns for row in means):
            means, partial = self._with_removed(tier, means, partial)
        self._store(tier, means, partial)

    def _with_removed(
        self, tier: TierLayout, rows: list[Row], partial: list[Partial]
    ) -> tuple[list[Row], list[Partial]]:
        """The rows, with the points that were removed from their windows, which only the stored rollups know."""
        removed = RemovedPoints(self._connection, self._measurement, tier)
        fields = [one.number for one in self._fields]
        points_from: dict[int, int] = {}
        merged = []
        for row in rows:
            series, window = row[:2]
            from_ns = points_from.get(series)
            if from_ns is None:
                from_ns = points_from[series] = self._layout.points_from_of(self._connection, series)
            if window * tier.every_ns < from_ns:
                mine = [one for one in partial if one[:2] == (series, window)]
                partial = [one for one in partial if one[:2] != (series, window)]
                row, mine = removed.merge(row, mine, fields)  # noqa: PLW2901
                partial += mine
            merged.append(row)
        return merged, partial

    def _from_below(self, tier: TierLayout, below: TierLayout, spans: list[tuple[int, int, int]]) -> None:
        ratio = tier.every_ns // below.every_ns
        numbered = [(series, low // below.every_ns, high // below.every_ns) for series, low, high in spans]
        parameters = {"every": below.every_ns, "ratio": ratio, "rung": below.number, "spans": json.dumps(numbered)}
        joined = (
            f"FROM ({_SPANS}) AS spans CROSS JOIN {{}} AS p "
            "ON p.series = spans.series AND p.window >= low AND p.window < high"
        )
        number = window_number("p.window", ":ratio")
        apart = {
            (series, window, field)
            for series, window, field in self._connection.execute(
                f"SELECT p.series, {number} AS number, field {joined.format('partial')} AND p.rung = :rung "
                "GROUP BY p.series, number, field",
                parameters,
            )
        }
        columns = "".join(
            f", sum(c{f.number} * count) / sum(CASE WHEN c{f.number} IS NOT NULL THEN count END)"
            f", sum(CASE WHEN c{f.number} IS NOT NULL THEN count END)"
            for f in self._fields
        )
        rows = self._connection.execute(
            f"SELECT p.series, {number} AS number, sum(count), min(p.window * :every + first), "
            f"max(p.window * :every + last){columns} {joined.format(below.table(self._measurement))} "
            "GROUP BY p.series, number",
            parameters,
        ).fetchall()
        means, partial = [], []
        for row in rows:
            series, window, total = row[:3]
            values = list(row[5::2])
            for i, field in enumerate(self._fields):
                count = row[6 + 2 * i]
                if count is not None and (count < total or (series, window, field.number) in apart):
                    values[i], *known = self._field_from_below(below, series, window * ratio, ratio, field.number)
                    partial.append((series, window, field.number, *known))
            means.append((*row[:5], *values))
        self._store(tier, means, partial)

    def _field_from_below(
        self, below: TierLayout, series: int, window: int, ratio: int, field: int
    ) -> tuple[float, int, int, int]:
        """Mean, count, first and last of a field that some points lack."""
        return self._connection.execute(  # type: ignore[no-any-return]
            f"SELECT sum(c{field} * coalesce(partial.count, r.count)) / sum(coalesce(partial.count, r.count)), "
            "sum(coalesce(partial.count, r.count)), "
            "min(r.window * :every + coalesce(partial.first, r.first)), "
            "max(r.window * :every + coalesce(partial.last, r.last)) "
            f"FROM {below.table(self._measurement)} AS r LEFT JOIN partial ON partial.series = r.series "
            "AND partial.rung = :rung AND partial.window = r.window AND partial.field = :field "
            f"WHERE r.series = :series AND r.window >= :low AND r.window < :high AND c{field} IS NOT NULL",
            {
                "every": below.every_ns,
                "rung": below.number,
                "field": field,
                "series": series,
                "low": window,
                "high": window + ratio,
            },
        ).fetchone()

    def _store(
        self,
        tier: TierLayout,
        rows: list[Row],
        partial: list[Partial],
    ) -> None:
        """Insert or replace rows of series, window, count, first, last (in nanoseconds) and means."""
        numbers = [field.number for field in self._fields]
        columns = ["count", "first", "last", *(f"c{number}" for number in numbers)]
        every_ns = tier.every_ns
        self._connection.executemany(
            f"INSERT INTO {tier.table(self._measurement)} (series, window, {', '.join(columns)}) "
            f"VALUES ({', '.join('?' * (len(columns) + 2))}) ON CONFLICT (series, window) "
            f"DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in columns)}",
            (
                (series, window, count, first - window * every_ns, last - window * every_ns, *means)
                for series, window, count, first, last, *means in rows
            ),
        )
        self._connection.executemany(
            "DELETE FROM partial WHERE series = ? AND rung = ? AND window = ? AND field BETWEEN ? AND ?",
            [(row[0], tier.number, row[1], numbers[0], numbers[-1]) for row in rows],
        )
        self._connection.executemany(
            f"INSERT INTO partial VALUES (?, {tier.number}, ?, ?, ?, ?, ?)",
            (
                (series, window, field, count, first - window * every_ns, last - window * every_ns)
                for series, window, field, count, first, last in partial
            ),
        )


def _widen(spans: Sequence[_Span], tier: TierLayout) -> Iterator[_Span]:
    """Widen spans to whole windows of the tier, and merge those that meet, so that nothing is counted twice."""
    last: _Span | None = None
    for span in sorted(spans, key=lambda one: (one.series, one.start_ns)):
        start_ns, stop_ns = max(tier.floor(span.start_ns), tier.from_ns), tier.ceil(span.stop_ns)
        if last is not None and last.series == span.series and start_ns <= last.stop_ns:
            last = _Span(last.series, last.start_ns, max(last.stop_ns, stop_ns))
            continue
        if last is not None:
            yield last
        last = _Span(span.series, start_ns, stop_ns)
    if last is not None:
        yield last


def _clamp(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Limit the bounds to integers that SQLite can store; no time of InfluxDB's is beyond them."""
    return [(series, max(low, MIN_TIME), min(high, MAX_TIME)) for series, low, high in spans]
