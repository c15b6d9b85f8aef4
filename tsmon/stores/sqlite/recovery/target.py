"""The file that recovered rows go into, in one transaction: numbers of the damaged file become its own."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tsmon.stores.sqlite.catalogue import MAX_FIELDS, TYPES, Catalogue, Measurement
from tsmon.stores.sqlite.recovery.damaged_file import DamagedFile, Row, Table
from tsmon.stores.sqlite.rollups import Layout
from tsmon.stores.sqlite.rollups.layout import MAX_TIME, MIN_TIME
from tsmon.stores.sqlite.rollups.refresh import create_rollup_table

__all__ = ["Target"]

Span = tuple[int, int, int]
"""A series of the damaged file, and two times."""


class Target:
    """Adds rows to the store's file; what it already has stays, since it is newer."""

    def __init__(self, connection: sqlite3.Connection, source: DamagedFile) -> None:
        self._connection = connection
        self._source = source
        self._catalogue = Catalogue(connection)
        self._layout = Layout.read(connection)
        self._tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }

    def add_points(self, table: Table, rows: Sequence[Row]) -> int:
        """Add points, mark those of their windows that have no rollup; return how many were added or completed."""
        measurement, columns = self._find_measurement(table.measurement)
        if not columns:
            return 0
        series = self._find_series(measurement, rows)
        self._catalogue.save(measurement)
        wanted = [(series[row[0]], *row[1:]) for row in rows]
        times = self._insert(f"m{measurement.id}", "time_ns", columns, wanted, 2)
        self._mark_missing(measurement, times)
        return len(times)

    def add_rollups(self, table: Table, rows: Sequence[Row]) -> tuple[int, list[Span]]:
        """Add rollups that are missing; return how many, and the spans of those that the file has itself."""
        every_ns = self._source.tiers[table.tier or 0][0]
        tier = next((one for one in self._layout.tiers if one.every_ns == every_ns), None)
        if tier is None:
            return 0, []
        measurement, columns = self._find_measurement(table.measurement)
        if not columns:
            return 0, []
        series = self._find_series(measurement, rows)
        self._catalogue.save(measurement)
        name = tier.table(measurement.id)
        create_rollup_table(self._connection, name, len(measurement.numbers))
        present = self._find_windows(name, [(series[row[0]], row[1]) for row in rows])
        own: list[Span] = []
        wanted: list[Row] = []
        for row in rows:
            number, window, *values = row
            if (series[number], window) in present:
                own.append((number, window * every_ns, (window + 1) * every_ns))
            else:
                wanted.append((series[number], window, *values))
        return len(self._insert(name, "window", columns, wanted, 5)), own

    def add_partial(self, rows: Iterable[Row]) -> None:
        """Add what rollups have of single fields."""
        tiers = {one.every_ns: one.number for one in self._layout.tiers}
        for series, rung, window, field, *rest in rows:
            known = self._find_known(series)
            width = self._source.tiers.get(rung, (0, None, 0))[0]
            if known is None or width not in tiers:
                continue
            measurement, number = known
            name = self._source.fields.get(self._source.series[series][0], {}).get(field, ("", ""))[0]
            if name in measurement.numbers:
                self._connection.execute(
                    "INSERT OR IGNORE INTO partial VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, tiers[width], window, measurement.numbers[name], *rest),
                )

    def add_frontiers(self, rows: Iterable[Row]) -> None:
        """Note from when on the points of series are complete."""
        for series, from_ns, last_ns in rows:
            known = self._find_known(series, create=True)
            if known is not None:
                self._connection.execute(
                    "INSERT INTO frontiers VALUES (?, ?, ?) ON CONFLICT (series) DO UPDATE SET points_from_ns = "
                    "max(points_from_ns, excluded.points_from_ns), last_ns = max(last_ns, excluded.last_ns)",
                    (known[1], from_ns, last_ns),
                )

    def add_marks(self, spans: Iterable[Sequence[Any]]) -> None:
        """Mark spans of series, given by the numbers of the damaged file."""
        narrow = self._layout.tiers[0] if self._layout.tiers else None
        for series, start_ns, stop_ns in spans:
            known = self._find_known(series)
            if narrow is not None and known is not None and start_ns < stop_ns:
                self._mark(known[1], narrow.floor(start_ns), narrow.ceil(stop_ns))

    def _find_measurement(self, number: int) -> tuple[Measurement, dict[int, int]]:
        """The measurement with all its fields, and the column here of each field of the damaged file."""
        measurement = self._catalogue.measurement(self._source.measurements[number])
        columns = {}
        for column, (name, kind) in sorted(self._source.fields.get(number, {}).items()):
            if name not in measurement.types and len(measurement.types) < MAX_FIELDS:
                measurement.add(name, TYPES[kind])
            if measurement.types.get(name) is TYPES[kind]:
                columns[column] = measurement.numbers[name]
        return measurement, columns

    def _find_series(self, measurement: Measurement, rows: Iterable[Row]) -> dict[Any, int]:
        """Numbers here of the series of rows; new ones are added."""
        return {
            number: self._catalogue.series(measurement, self._source.series[number][1])
            for number in {row[0] for row in rows}
        }

    def _find_known(self, series: Any, *, create: bool = False) -> tuple[Measurement, int] | None:
        """Measurement and number here of a series; None if it is not here, unless it is created."""
        if series not in self._source.series:
            return None
        number, tags = self._source.series[series]
        name = self._source.measurements.get(number)
        if name is None:
            return None
        measurement = self._catalogue.measurement(name)
        if not measurement.id and (not create or not self._source.fields.get(number)):
            return None
        measurement, _ = self._find_measurement(number)
        found = self._catalogue.series(measurement, tags)
        self._catalogue.save(measurement)
        return measurement, found

    def _insert(
        self, table: str, key: str, columns: Mapping[int, int], rows: Sequence[Any], fixed: int
    ) -> list[tuple[int, int]]:
        """Add rows, or those of their values that are missing; return series and time of each that has values.

        The first ``fixed`` columns are the same in every file; the others are the fields'.
        """
        added: list[tuple[int, int]] = []
        places = [fixed + number - 1 for number in columns]
        groups: dict[tuple[int, ...], list[tuple[Any, ...]]] = {}
        for row in rows:
            there = [place for place in places if place < len(row) and row[place] is not None]
            if there:
                values = [row[place] for place in there]
                groups.setdefault(tuple(there), []).append((*row[:fixed], *values))
                added.append((row[0], row[1]))
        between = ["count", "first", "last"][: fixed - 2]
        for filled, group in groups.items():
            names = [f"c{columns[place - fixed + 1]}" for place in filled]
            updates = ", ".join(f"{name} = coalesce({name}, excluded.{name})" for name in names)
            self._connection.executemany(
                f"INSERT INTO {table} ({', '.join(['series', key, *between, *names])}) "
                f"VALUES ({', '.join('?' * (fixed + len(names)))}) "
                f"ON CONFLICT (series, {key}) DO UPDATE SET {updates}",
                group,
            )
        return added

    def _find_windows(self, table: str, windows: Iterable[tuple[int, Any]]) -> set[tuple[int, int]]:
        """Those of the windows, given with their series, of which the table has a rollup, and others."""
        extents: dict[int, tuple[int, int]] = {}
        for series, window in windows:
            low, high = extents.get(series, (window, window))
            extents[series] = min(low, window), max(high, window)
        query = f"SELECT window FROM {table} WHERE series = ? AND window BETWEEN ? AND ?"
        return {
            (series, window)
            for series, (low, high) in extents.items()
            for (window,) in self._connection.execute(query, (series, low, high))
        }

    def _mark_missing(self, measurement: Measurement, times: Iterable[tuple[int, int]]) -> None:
        """Mark the windows of points of which a tier has no rollup, unless points of the series were removed."""
        tiers = self._layout.tiers
        if not tiers:
            return
        every_ns = tiers[0].every_ns
        starts = {(series, time_ns // every_ns * every_ns) for series, time_ns in times}
        missing: set[tuple[int, int]] = set()
        for tier in tiers:
            windows = {one: (one[0], one[1] // tier.every_ns) for one in starts if one[1] >= tier.from_ns}
            table = tier.table(measurement.id)
            present = self._find_windows(table, windows.values()) if table in self._tables else set()
            missing.update(one for one, window in windows.items() if window not in present)
        for series, start_ns in sorted(missing):
            if start_ns >= self._layout.points_from_of(self._connection, series):
                self._mark(series, start_ns, start_ns + every_ns)

    def _mark(self, series: int, start_ns: int, stop_ns: int) -> None:
        self._connection.execute(
            "INSERT INTO marks VALUES (?, ?, ?) "
            "ON CONFLICT (series, start_ns) DO UPDATE SET stop_ns = max(stop_ns, excluded.stop_ns)",
            (series, max(start_ns, MIN_TIME), min(stop_ns, MAX_TIME)),
        )
