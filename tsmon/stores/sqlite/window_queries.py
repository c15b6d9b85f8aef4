"""Aggregation in windows, from rollups as far as they reach, else from points."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from tsmon.stores.query_types import Selector, WindowedSpan
from tsmon.stores.sqlite.catalogue import parse_tags
from tsmon.stores.sqlite.rollups import ReadPlan, TierLayout
from tsmon.stores.sqlite.rollups.layout import window_number

__all__ = ["Target", "clamp", "find_target", "query_windows", "snapshot"]

MIN_SQLITE: Final = -(2**63)
MAX_SQLITE: Final = 2**63 - 1

BIN: Final = ("part", "number", "first", "last", "count")

_column: Final = msgspec.json.Decoder(list[int])

_SPANS: Final = (
    "WITH spans AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS part, json_extract(value, '$[1]') AS id, "
    "json_extract(value, '$[2]') AS low, json_extract(value, '$[3]') AS high FROM json_each(:spans))"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the selected values are, and how far they are rolled up."""

    measurement: int
    field: int
    type: str
    series: dict[int, dict[str, str]]
    plan: ReadPlan

    def only(self, series: int) -> "Target":
        """The same for one series."""
        return replace(self, series={series: self.series[series]}, plan=self.plan.only(series))

    @property
    def table(self) -> str:
        """Table of the points."""
        return f"m{self.measurement}"

    @property
    def column(self) -> str:
        """Column of the field, in points and in rollups."""
        return f"c{self.field}"


def query_windows(
    connection: sqlite3.Connection,
    target: Target,
    spans: Mapping[int, WindowedSpan],
    every_ns: int,
    *,
    points: tuple[str, str],
    rollups: tuple[str, str],
    windows: str | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of windows of numbered spans, from points and from rollups; several rows may be parts of one window.

    ``points`` and ``rollups`` are templates of what to select and how to group. ``windows`` is the template for
    rollups that are whole windows of one series, which need no grouping; with it, all columns are integers, by the
    names in :data:`BIN`.
    """
    parts: dict[TierLayout | None, list[tuple[int, int, int, int]]] = {}
    for number, span in spans.items():
        for one in target.plan.split(span.start_ns, span.stop_ns, every_ns):
            parts.setdefault(one.tier, []).append((number, one.series, one.start_ns, one.stop_ns))
    every = min(every_ns, MAX_SQLITE)
    rows: list[tuple[Any, ...]] = []
    for tier, segments in parts.items():
        if tier is not None and not _has_column(connection, tier.table(target.measurement), target.column):
            continue  # the field is newer than all rollups
        names = {"column": f"p.{target.column}"}
        grouped: str | None
        if tier is None:
            names["number"] = window_number("time_ns", str(every))
            source, (selected, grouped) = f"{target.table} AS p", points
            within, scale = "time_ns", 1
        else:
            names["number"] = window_number("p.window", str(every_ns // tier.every_ns))
            alone = len(target.series) == 1
            as_is = windows is not None and tier.every_ns == every_ns and alone
            source = f"{tier.table(target.measurement)} AS p"
            if as_is and not _has_partial(connection, next(iter(target.series)), tier):
                names |= {"count": "p.count", "first": "p.first", "last": "p.last"}
            else:
                names |= {name: f"coalesce(partial.{name}, p.{name})" for name in ("count", "first", "last")}
                source += (
                    " LEFT JOIN partial ON partial.series = p.series AND partial.window = p.window AND "
                    f"partial.rung = {tier.number} AND partial.field = {target.field}"
                )
            for name in ("first", "last"):
                names[name] = f"p.window * {tier.every_ns} + {names[name]}"
            within, scale = "p.window", tier.every_ns
            selected, grouped = (windows or "", None) if as_is else rollups
        # Most of thousands of series have the same edges.
        edges = {(low, high): (clamp(low // scale), clamp(high // scale)) for _, _, low, high in segments}
        bounds = [(part, id_, *edges[low, high]) for part, id_, low, high in segments]
        query = (
            f"SELECT {selected.format(**names)} FROM spans CROSS JOIN {source} "
            f"WHERE p.series = id AND {within} >= low AND {within} < high AND {names['column']} IS NOT NULL "
            f"{f'GROUP BY {grouped}' if grouped else ''}"
        )
        parameters = {"spans": msgspec.json.encode(bounds).decode()}
        if windows is None:
            rows += connection.execute(f"{_SPANS} {query}", parameters).fetchall()
        else:
            rows += _query_integers(connection, query, parameters)
    return rows


def _query_integers(
    connection: sqlite3.Connection, query: str, parameters: Mapping[str, str]
) -> Iterator[tuple[int, ...]]:
    """Rows of integers, read as one text per column: quicker than row by row, and without holding the GIL."""
    columns = ", ".join(f"json_group_array({name})" for name in BIN)
    row = connection.execute(f"{_SPANS} SELECT {columns} FROM ({query})", parameters).fetchone()
    return zip(*map(_column.decode, row), strict=True)


def _has_column(connection: sqlite3.Connection, table: str, column: str) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?) WHERE name = ?)"
    return bool(connection.execute(query, (table, column)).fetchone()[0])


def _has_partial(connection: sqlite3.Connection, series: int, tier: TierLayout) -> bool:
    """Whether some field of a series has fewer values than points in some window."""
    query = "SELECT EXISTS (SELECT 1 FROM partial WHERE series = ? AND rung = ?)"
    return bool(connection.execute(query, (series, tier.number)).fetchone()[0])


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """A read transaction: queries in it see one state of the file."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # Some errors end the transaction themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def find_target(connection: sqlite3.Connection, selector: Selector) -> Target | None:
    """Where the selected values are; None if there is no such field."""
    row = connection.execute(
        "SELECT measurements.id, fields.number, fields.type FROM measurements "
        "JOIN fields ON fields.measurement = measurements.id WHERE measurements.name = ? AND fields.name = ?",
        (selector.measurement, selector.field),
    ).fetchone()
    if row is None:
        return None
    measurement, number, type_ = row
    # The text of a pair finds candidates quickly; whether the tags are equal is checked below.
    pairs = [json.dumps(pair, ensure_ascii=False, separators=(",", ":")) for pair in selector.tags.items()]
    wanted = selector.tags.items()
    found = {
        id_: tags
        for id_, text in connection.execute(
            f"SELECT id, tags FROM series WHERE measurement = ?{' AND instr(tags, ?)' * len(pairs)}",
            (measurement, *pairs),
        )
        if (tags := parse_tags(text)).items() >= wanted
    }
    return Target(measurement, number, type_, found, ReadPlan(connection, measurement, found))


def clamp(bound: int) -> int:
    """The bound, or the nearest integer that SQLite can compare with."""
    return min(max(bound, MIN_SQLITE), MAX_SQLITE)
