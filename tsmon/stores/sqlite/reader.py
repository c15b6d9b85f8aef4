"""The four questions, in SQL. Each is answered from one snapshot of the file."""

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tsmon.errors import StoreRefusedError
from tsmon.stores.base import Asked, Bin, Count, Kept, Newest, Selector, Series, Values
from tsmon.stores.rungs import DAY_NS
from tsmon.stores.sqlite.catalogue import tags_of
from tsmon.stores.sqlite.rollups import Layout, Level, Segments
from tsmon.stores.sqlite.rollups.layout import window_number

__all__ = ["bins_of_spans", "counts", "kept", "newest", "series", "values"]

NUMBERS: Final = {"float", "integer", "unsigned"}
MIN_SQLITE: Final = -(2**63)
MAX_SQLITE: Final = 2**63 - 1

BIN: Final = ("part", "number", "first", "last", "count")

_column: Final = msgspec.json.Decoder(list[int])

_SPANS: Final = (
    "WITH spans AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS part, json_extract(value, '$[1]') AS id, "
    "json_extract(value, '$[2]') AS low, json_extract(value, '$[3]') AS high FROM json_each(:spans))"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the selected values lie."""

    measurement: int
    field: int
    type: str
    series: dict[int, dict[str, str]]
    segments: Segments

    @property
    def table(self) -> str:
        """Table of the points."""
        return f"m{self.measurement}"

    @property
    def column(self) -> str:
        """Column of the field, in points and rollups alike."""
        return f"c{self.field}"


def bins_of_spans(connection: sqlite3.Connection, selector: Selector, spans: Sequence[Asked]) -> list[list[Bin]]:
    """See :meth:`Store.bins_of_spans`."""
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return [[] for _ in spans]
        rows: list[tuple[int, ...]] = []
        for every_ns in {span.every_ns for span in spans}:
            asked = {part: span for part, span in enumerate(spans) if span.every_ns == every_ns}
            rows += _aggregated(
                connection,
                target,
                asked,
                every_ns,
                points=(
                    "part, {number} AS number, min(time_ns) AS first, max(time_ns) AS last, count(*) AS count",
                    "part, number",
                ),
                rollups=(
                    "part, {number} AS number, min({first}) AS first, max({last}) AS last, sum({count}) AS count",
                    "part, number",
                ),
                windows="part, {number} AS number, {first} AS first, {last} AS last, {count} AS count",
            )
    rows.sort()
    edges = [bisect_left(rows, (part,)) for part in range(len(spans) + 1)]
    return [_bins(rows[low:high], span.every_ns) for span, low, high in zip(spans, edges, edges[1:], strict=False)]


def _bins(rows: Sequence[tuple[int, ...]], every_ns: int) -> list[Bin]:
    """Bins of one span, of which several rows may be parts."""
    if len({row[1] for row in rows}) == len(rows):
        return [Bin(number * every_ns, first, last, count) for _, number, first, last, count in rows]
    found: list[Bin] = []
    reached = None
    for _, number, first, last, count in rows:
        if number == reached:
            other = found.pop()
            found.append(Bin(other.start_ns, other.first_ns, max(last, other.last_ns), count + other.count))
        else:
            found.append(Bin(number * every_ns, first, last, count))
            reached = number
    return found


def newest(connection: sqlite3.Connection, selector: Selector) -> list[Newest]:
    """See :meth:`Store.newest`; one step into the index for each series."""
    found = []
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        query = (
            f"SELECT time_ns, {target.column} FROM {target.table} "
            f"WHERE series = ? AND {target.column} IS NOT NULL ORDER BY time_ns DESC LIMIT 1"
        )
        for number, tags in target.series.items():
            row = connection.execute(query, (number,)).fetchone()
            if row is not None:
                found.append(Newest(tags, row[0], bool(row[1]) if target.type == "boolean" else row[1]))
    return sorted(found, key=lambda point: sorted(point.tags.items()))


def series(
    connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
) -> list[Series]:
    """See :meth:`Store.series`; raises :class:`StoreRefusedError` for strings and booleans."""
    found: dict[tuple[int, int], tuple[float, int]] = {}
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        if target.type not in NUMBERS:
            raise StoreRefusedError(
                f"field {selector.field!r} of measurement {selector.measurement!r} is of type {target.type}, "
                "which has no mean; choose a field of numbers"
            )
        for id_, number, mean, count in _aggregated(
            connection,
            target,
            {0: Asked(start_ns, stop_ns, every_ns)},
            every_ns,
            points=("id, {number} AS number, avg({column}), count(*)", "id, number"),
            rollups=("id, {number} AS number, sum({column} * {count}) / sum({count}), sum({count})", "id, number"),
        ):
            if (id_, number) in found:
                other, others = found[id_, number]
                found[id_, number] = (mean * count + other * others) / (count + others), count + others
            else:
                found[id_, number] = mean, count
    answers: dict[int, tuple[list[int], list[float]]] = {}
    for (id_, number), (mean, _) in sorted(found.items()):
        times, values = answers.setdefault(id_, ([], []))
        times.append(number * every_ns)
        values.append(mean)
    answer = [Series(target.series[id_], times, values) for id_, (times, values) in answers.items()]
    return sorted(answer, key=lambda one: sorted(one.tags.items()))


def values(connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int) -> list[Values]:
    """See :meth:`Store.values`."""
    found = []
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        query = (
            f"SELECT time_ns, {target.column} FROM {target.table} WHERE series = ? AND time_ns >= ? "
            f"AND time_ns < ? AND {target.column} IS NOT NULL ORDER BY time_ns"
        )
        bounds = _clamped(start_ns), _clamped(stop_ns)
        for number, tags in target.series.items():
            rows = connection.execute(query, (number, *bounds)).fetchall()
            if rows:
                plain = [bool(value) if target.type == "boolean" else value for _, value in rows]
                found.append(Values(tags, [time_ns for time_ns, _ in rows], plain))
    return sorted(found, key=lambda one: sorted(one.tags.items()))


def counts(connection: sqlite3.Connection, selector: Selector, start_ns: int, stop_ns: int) -> list[Count]:
    """See :meth:`Store.counts`."""
    found: dict[int, int] = {}
    with _snapshot(connection):
        target = _find(connection, selector)
        if target is None:
            return []
        for id_, count in _aggregated(
            connection,
            target,
            {0: Asked(start_ns, stop_ns, DAY_NS)},
            DAY_NS,
            points=("id, count(*)", "id"),
            rollups=("id, sum({count})", "id"),
        ):
            found[id_] = found.get(id_, 0) + count
    answer = [Count(target.series[id_], count) for id_, count in found.items()]
    return sorted(answer, key=lambda one: sorted(one.tags.items()))


def kept(connection: sqlite3.Connection) -> list[Kept]:
    """See :meth:`Store.kept`."""
    layout = Layout.read(connection)
    levels = [Kept(level.every_ns, level.from_ns) for level in layout.levels]
    return [Kept(0, layout.points_from_ns), *levels]


def _aggregated(
    connection: sqlite3.Connection,
    target: _Target,
    spans: Mapping[int, Asked],
    every_ns: int,
    *,
    points: tuple[str, str],
    rollups: tuple[str, str],
    windows: str | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of windows of numbered spans, of which several may be parts of one: from points, and from rollups.

    ``points`` and ``rollups`` are what to select and how to group, as templates; ``windows`` is what to select
    where each rollup is a whole window of one series, so that there is nothing to group; with it all columns are
    integers, by the names of :data:`BIN`.
    """
    parts: dict[Level | None, list[tuple[int, int, int, int]]] = {}
    for number, span in spans.items():
        for one in target.segments.of(span.start_ns, span.stop_ns, every_ns):
            parts.setdefault(one.level, []).append((number, one.series, one.start_ns, one.stop_ns))
    every = min(every_ns, MAX_SQLITE)
    rows: list[tuple[Any, ...]] = []
    for level, segments in parts.items():
        if level is not None and not _has_column(connection, level.table(target.measurement), target.column):
            continue  # the field is newer than all that is rolled up
        names = {"column": f"p.{target.column}"}
        grouped: str | None
        if level is None:
            names["number"] = window_number("time_ns", str(every))
            source, (selected, grouped) = f"{target.table} AS p", points
            within, scale = "time_ns", 1
        else:
            names["number"] = window_number("p.window", str(every_ns // level.every_ns))
            alone = len(target.series) == 1
            as_is = windows is not None and level.every_ns == every_ns and alone
            source = f"{level.table(target.measurement)} AS p"
            if as_is and not _has_partial(connection, next(iter(target.series)), level):
                names |= {"count": "p.count", "first": "p.first", "last": "p.last"}
            else:
                names |= {name: f"coalesce(partial.{name}, p.{name})" for name in ("count", "first", "last")}
                source += (
                    " LEFT JOIN partial ON partial.series = p.series AND partial.window = p.window AND "
                    f"partial.rung = {level.number} AND partial.field = {target.field}"
                )
            for name in ("first", "last"):
                names[name] = f"p.window * {level.every_ns} + {names[name]}"
            within, scale = "p.window", level.every_ns
            selected, grouped = (windows or "", None) if as_is else rollups
        bounds = [(part, id_, _clamped(low // scale), _clamped(high // scale)) for part, id_, low, high in segments]
        query = (
            f"SELECT {selected.format(**names)} FROM spans CROSS JOIN {source} "
            f"WHERE p.series = id AND {within} >= low AND {within} < high AND {names['column']} IS NOT NULL "
            f"{f'GROUP BY {grouped}' if grouped else ''}"
        )
        parameters = {"spans": json.dumps(bounds)}
        if windows is None:
            rows += connection.execute(f"{_SPANS} {query}", parameters).fetchall()
        else:
            rows += _integers(connection, query, parameters)
    return rows


def _integers(
    connection: sqlite3.Connection, query: str, parameters: Mapping[str, str]
) -> Iterator[tuple[int, ...]]:
    """Rows of integers, as one text for each column: quicker than row by row, and other threads run meanwhile."""
    columns = ", ".join(f"json_group_array({name})" for name in BIN)
    row = connection.execute(f"{_SPANS} SELECT {columns} FROM ({query})", parameters).fetchone()
    return zip(*map(_column.decode, row), strict=True)


def _has_column(connection: sqlite3.Connection, table: str, column: str) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?) WHERE name = ?)"
    return bool(connection.execute(query, (table, column)).fetchone()[0])


def _has_partial(connection: sqlite3.Connection, series: int, level: Level) -> bool:
    """Whether a field of a series has fewer values than there are points in some window."""
    query = "SELECT EXISTS (SELECT 1 FROM partial WHERE series = ? AND rung = ?)"
    return bool(connection.execute(query, (series, level.number)).fetchone()[0])


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # Some errors end the transaction themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _find(connection: sqlite3.Connection, selector: Selector) -> _Target | None:
    row = connection.execute(
        "SELECT measurements.id, fields.number, fields.type FROM measurements "
        "JOIN fields ON fields.measurement = measurements.id WHERE measurements.name = ? AND fields.name = ?",
        (selector.measurement, selector.field),
    ).fetchone()
    if row is None:
        return None
    measurement, number, type_ = row
    # The text of a pair finds nearly what is meant, and quickly; that the tags are equal is checked below.
    pairs = [json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in selector.tags.items()]
    wanted = selector.tags.items()
    found = {
        id_: tags
        for id_, text in connection.execute(
            f"SELECT id, tags FROM series WHERE measurement = ?{' AND instr(tags, ?)' * len(pairs)}",
            (measurement, *pairs),
        )
        if (tags := tags_of(text)).items() >= wanted
    }
    return _Target(measurement, number, type_, found, Segments(connection, measurement, found))


def _clamped(bound: int) -> int:
    return min(max(bound, MIN_SQLITE), MAX_SQLITE)
