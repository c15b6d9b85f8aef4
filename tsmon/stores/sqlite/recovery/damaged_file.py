"""What can still be read of a damaged file of the embedded store: its catalogue, and rows by table.

The numbers of measurements, series, fields and tiers are those of the damaged file. A row counts only if all of it
agrees with the catalogue: a series of its measurement, and values of the fields' types.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Final, NamedTuple

from tsmon.stores.sqlite.catalogue import TYPE_NAMES, parse_tags
from tsmon.stores.sqlite.pages import PageFile, Trees, read_schema
from tsmon.stores.sqlite.pages.records import Value

__all__ = ["DamagedFile", "Row", "Table"]

_table_name: Final = re.compile(r"m(\d+)(?:_r(\d+))?")

KINDS: Final = frozenset(TYPE_NAMES.values())


class Table(NamedTuple):
    """Points of a measurement, or its rollups in a tier; of ``measurement`` 0 are the tables of the whole file."""

    measurement: int
    tier: int | None = None


Row = tuple[Any, ...]
"""A complete row, in the order of the table's columns."""


class DamagedFile:
    """Open until :meth:`close`. :meth:`prepare` finds the pages, in small steps; the rest needs it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PageFile(path)
        self._trees = Trees(self._file)
        self._roots: dict[str, int] = {}
        self.measurements: dict[int, str] = {}
        """Names by number."""
        self.fields: dict[int, dict[int, tuple[str, str]]] = {}
        """Names and types by number, by measurement."""
        self.series: dict[int, tuple[int, Mapping[str, str]]] = {}
        """Measurements and tags by number."""
        self.tiers: dict[int, tuple[int, int | None, int]] = {}
        """Width, retention and beginning by number; 0 stands for the points."""
        self.lost_pages = 0
        """Pages that cannot be read."""
        self.lost_rows: dict[str, int] = {}
        """Rows of each table that are lost, estimated by how many a page of it has."""

    @property
    def pages(self) -> int:
        """Pages of the file."""
        return self._file.page_count

    def prepare(self) -> Iterator[None]:
        """Find the tables and their pages, and read the catalogue."""
        entries = read_schema(self._trees)
        self._roots = {entry.name: entry.root for entry in entries}
        for root in self._roots.values():
            yield from self._trees.walk(root)
        yield from self._trees.find_unreachable()
        self._read_catalogue()

    def tables(self) -> list[tuple[str, Table]]:
        """Tables of rollups, wide ones first, then of points: names with what they hold."""
        found = []
        for name in self._roots:
            match = _table_name.fullmatch(name)
            if match is not None and int(match[1]) in self.measurements:
                found.append((name, Table(int(match[1]), None if match[2] is None else int(match[2]))))
        return sorted(found, key=lambda one: (one[1].tier is None, -self._width(one[1]), one[1].measurement))

    def read_points(self, name: str, table: Table) -> Iterator[list[Row]]:
        """Rows of series, time and values, a page at a time."""
        fields = self.fields.get(table.measurement, {})
        kinds = [fields.get(number, ("", ""))[1] for number in range(1, max(fields, default=0) + 1)]
        yield from self._read(name, table, ["integer", "integer"], kinds)

    def read_rollups(self, name: str, table: Table) -> Iterator[list[Row]]:
        """Rows of series, window, count, first, last and means, a page at a time."""
        means = ["float"] * max(self.fields.get(table.measurement, {}), default=0)
        every_ns = self._width(table)
        for rows in self._read(name, table, ["integer"] * 5, means):
            yield [row for row in rows if row[2] > 0 and 0 <= row[3] <= row[4] < every_ns]

    def has_table(self, name: str) -> bool:
        """Whether the file defines a table, as far as it can be read."""
        return name in self._roots

    def read_plain(self, name: str, columns: int) -> Iterator[Row]:
        """Rows of one of the small tables; the number of a row replaces its first column if that is empty."""
        root = self._roots.get(name)
        if root is None:
            return
        for rows in self._trees.rows(root):
            if rows is None:
                self.lost_pages += 1
                continue
            for rowid, values in rows:
                if len(values) != columns:
                    continue
                if rowid is not None and values[0] is None:
                    values[0] = rowid
                texts = [_decode(value) if isinstance(value, bytes) else value for value in values]
                yield tuple(texts)
        self.lost_pages += self._trees.find(root).lost

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _width(self, table: Table) -> int:
        return self.tiers.get(table.tier or 0, (0, None, 0))[0]

    def _read(self, name: str, table: Table, keys: list[str], kinds: list[str]) -> Iterator[list[Row]]:
        root, converter = self._roots[name], _Converter(keys, kinds)
        known = {number for number, (measurement, _) in self.series.items() if measurement == table.measurement}
        whole = lost = found = unknown = 0
        for page in self._trees.rows(root):
            if page is None:
                lost += 1
                continue
            rows = []
            for _, values in page:
                row = converter.convert(values) if values and values[0] in known else None
                if row is None:
                    unknown += 1
                else:
                    rows.append(row)
            whole += 1
            found += len(page)
            yield rows
        lost += self._trees.find(root).lost
        self.lost_pages += lost
        missing = unknown + (round(lost * found / whole) if whole else 0)
        if missing:
            self.lost_rows[name] = missing

    def _read_catalogue(self) -> None:
        for number, name in self.read_plain("measurements", 2):
            if isinstance(number, int) and isinstance(name, str):
                self.measurements[number] = name
        for name, number in self.read_plain("sqlite_autoindex_measurements_1", 2):
            if isinstance(number, int) and isinstance(name, str):
                self.measurements.setdefault(number, name)
        for measurement, name, kind, number in self.read_plain("fields", 4):
            if isinstance(measurement, int) and isinstance(number, int) and isinstance(name, str) and kind in KINDS:
                self.fields.setdefault(measurement, {})[number] = name, str(kind)
        for number, measurement, tags in self.read_plain("series", 3):
            self._add_series(number, measurement, tags)
        for measurement, tags, number in self.read_plain("sqlite_autoindex_series_1", 3):
            self._add_series(number, measurement, tags)
        for number, every_ns, keep_ns, from_ns in self.read_plain("rungs", 4):
            if isinstance(number, int) and isinstance(every_ns, int) and isinstance(from_ns, int):
                self.tiers[number] = every_ns, keep_ns if isinstance(keep_ns, int) else None, from_ns

    def _add_series(self, number: object, measurement: object, tags: object) -> None:
        if isinstance(number, int) and isinstance(measurement, int) and isinstance(tags, str):
            try:
                self.series.setdefault(number, (measurement, parse_tags(tags)))
            except ValueError:
                return


class _Converter:
    """Checks that the values of rows have the types of their columns, and converts what SQLite stores otherwise."""

    def __init__(self, keys: Sequence[str], kinds: Sequence[str]) -> None:
        self._kinds = [*keys, *kinds]
        self._keys = len(keys)
        self._plans: dict[tuple[type, ...], list[tuple[int, Callable[[Any], Any]]] | None] = {}
        """What to do with the values of a row of these types; None if they are not the columns'."""

    def convert(self, values: list[Value]) -> Row | None:
        """The row; None if a value has not the type of its column. A column whose name is lost has no value."""
        types = tuple(map(type, values))
        try:
            plan = self._plans[types]
        except KeyError:
            plan = self._plans[types] = self._build(types)
        if plan is None:
            return None
        row: list[Any] = values
        try:
            for place, change in plan:
                row[place] = change(row[place])
        except UnicodeDecodeError:
            return None
        return tuple(row)

    def _build(self, types: tuple[type, ...]) -> list[tuple[int, Callable[[Any], Any]]] | None:
        if len(types) <= self._keys:
            return None
        plan: list[tuple[int, Callable[[Any], Any]]] = []
        for place, type_ in enumerate(types):
            kind = self._kinds[place] if place < len(self._kinds) else ""
            if not kind:
                plan.append((place, lambda _: None))
            elif type_ is NoneType:
                if place < self._keys:
                    return None
            elif kind == "string" and type_ is bytes:
                plan.append((place, bytes.decode))
            elif kind == "float" and type_ is not bytes:
                plan.append((place, float))
            elif kind in ("string", "float") or type_ is not int:
                return None
        return plan


def _decode(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
