"""The catalogue: numbers of measurements, fields and series, which name the generated tables and columns.

A field keeps the type of its first write.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

import msgspec

from tsmon.line_protocol.parser import FieldValue, Unsigned

__all__ = ["MAX_FIELDS", "TYPES", "TYPE_NAMES", "Catalogue", "Measurement", "format_tags", "parse_tags"]

MAX_FIELDS: Final = 1_990
"""Fields that one measurement can have: SQLite's 2,000 columns less the other columns of rollups."""

TYPE_NAMES: Final[dict[type[FieldValue], str]] = {
    float: "float",
    int: "integer",
    Unsigned: "unsigned",
    bool: "boolean",
    str: "string",
}
"""InfluxDB's names of the types."""

TYPES: Final = {name: type_ for type_, name in TYPE_NAMES.items()}
_AFFINITIES: Final = {float: "REAL", int: "INTEGER", Unsigned: "INTEGER", bool: "INTEGER", str: "TEXT"}

Row = tuple[int, int]
"""Key of a point within its measurement: series and time."""

_pairs: Final = msgspec.json.Decoder(list[tuple[str, str]])


class Measurement:
    """Fields of one measurement, and its rows of the current batch."""

    __slots__ = ("id", "name", "numbers", "rows", "saved", "types")

    def __init__(self, id_: int, name: str) -> None:
        self.id = id_
        self.name = name
        self.types: dict[str, type[FieldValue]] = {}
        self.numbers: dict[str, int] = {}
        self.saved = 0
        """Number of fields, in order, that have their column in the file."""
        self.rows: dict[Row, dict[str, FieldValue]] = {}

    def add(self, field: str, type_: type[FieldValue]) -> None:
        """Add a new field; :meth:`Catalogue.save` adds its column."""
        self.types[field] = type_
        self.numbers[field] = len(self.numbers) + 1


class Catalogue:
    """The writer's copy of the catalogue; changes are written in the current transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._measurements: dict[str, Measurement] = {}
        by_id: dict[int, Measurement] = {}
        for id_, name in connection.execute("SELECT id, name FROM measurements"):
            by_id[id_] = self._measurements[name] = Measurement(id_, name)
        for id_, name, type_, number in connection.execute(
            "SELECT measurement, name, type, number FROM fields ORDER BY measurement, number"
        ):
            measurement = by_id[id_]
            measurement.types[name] = TYPES[type_]
            measurement.numbers[name] = number
            measurement.saved = number

    def measurement(self, name: str) -> Measurement:
        """Measurement of that name; a new one is written to the file with its first series."""
        return self._measurements.get(name) or Measurement(0, name)

    def series(self, measurement: Measurement, tags: Mapping[str, str]) -> int:
        """Number of the series; a new series is inserted."""
        if not measurement.id:
            measurement.id = self._insert("INSERT INTO measurements (name) VALUES (?)", (measurement.name,))
            self._measurements[measurement.name] = measurement
        key = (measurement.id, format_tags(tags))
        row = self._connection.execute("SELECT id FROM series WHERE measurement = ? AND tags = ?", key).fetchone()
        if row is not None:
            return int(row[0])
        return self._insert("INSERT INTO series (measurement, tags) VALUES (?, ?)", key)

    def save(self, measurement: Measurement) -> None:
        """Add columns for new fields; create the table if it is missing."""
        new = list(measurement.types)[measurement.saved :]
        if not new:
            return
        columns = [f"c{measurement.numbers[name]} {_AFFINITIES[measurement.types[name]]}" for name in new]
        if measurement.saved == 0:
            self._connection.execute(
                f"CREATE TABLE m{measurement.id} (series INTEGER NOT NULL, time_ns INTEGER NOT NULL, "
                f"{', '.join(columns)}, PRIMARY KEY (series, time_ns)) WITHOUT ROWID"
            )
        else:
            for column in columns:
                self._connection.execute(f"ALTER TABLE m{measurement.id} ADD COLUMN {column}")
        self._connection.executemany(
            "INSERT INTO fields (measurement, name, type, number) VALUES (?, ?, ?, ?)",
            [
                (measurement.id, name, TYPE_NAMES[measurement.types[name]], measurement.numbers[name])
                for name in new
            ],
        )
        measurement.saved += len(new)

    def _insert(self, statement: str, values: tuple[int | str, ...]) -> int:
        id_ = self._connection.execute(statement, values).lastrowid
        assert id_ is not None  # only a failed INSERT leaves none
        return id_


def format_tags(tags: Mapping[str, str]) -> str:
    """Canonical text of a tag set: a JSON list of pairs, sorted by key."""
    return json.dumps(sorted(tags.items()), ensure_ascii=False, separators=(",", ":"))


def parse_tags(text: str) -> dict[str, str]:
    """Inverse of :func:`format_tags`; sorted by key."""
    return dict(_pairs.decode(text))
