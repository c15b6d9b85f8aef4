"""Writes lines as rows, one transaction per batch.

As in InfluxDB, points of one series and time are merged: new fields are added, existing ones replaced. A point is
refused if one of its fields has another type than at its first write; so is a line that is not line protocol. The
others are stored.
"""

import contextlib
import re
import sqlite3
import time
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol.line_splitter import split_lines
from tsmon.line_protocol.parser import FieldValue, Unsigned, find_head_end, parse_body, parse_head
from tsmon.line_protocol.values import MAX_INT64
from tsmon.stores.sqlite.catalogue import MAX_FIELDS, TYPE_NAMES, Catalogue, Measurement
from tsmon.stores.sqlite.rollups import DirtyMarks, roll_up

__all__ = ["Refusals", "Writer"]

MAX_HEADS: Final = 16_384
"""Distinct texts of measurement and tags that the writer caches; a full cache is cleared."""

_undecodable = re.compile(r"[\udc80-\udcff]")
_by_series_and_time = itemgetter(0)


@dataclass(slots=True)
class Refusals:
    """Number of refused points of a batch, and the reason of the first."""

    count: int = 0
    first: str = ""

    def add(self, reason: str) -> None:
        """Count one refused point."""
        self.count += 1
        self.first = self.first or reason


class Writer:
    """Writes batches through one connection, as its only writer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._catalogue: Catalogue | None = None
        self._marking: DirtyMarks | None = None
        self._heads: dict[str, tuple[Measurement, int]] = {}

    def forget(self) -> None:
        """Read the catalogue again at the next write; call this if the file's may have changed."""
        self._catalogue = None
        self._heads.clear()
        self.forget_marks()

    def forget_marks(self) -> None:
        """Read the tiers again at the next write, and assume no marks; call this after a refresh."""
        self._marking = None

    def write(self, lines: bytes) -> Refusals:
        """Store everything that can be stored, and commit. Raises ``sqlite3.Error``."""
        refusals = Refusals()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if self._catalogue is None:
                self._catalogue = Catalogue(self._connection)
            if self._marking is None:
                self._marking = DirtyMarks(self._connection)
            for measurement in self._collect(self._catalogue, lines, refusals):
                self._catalogue.save(measurement)
                late: list[tuple[int, int, int]] = []
                if every_ns := self._marking.every_ns:
                    late = self._marking.mark(
                        {(series, time_ns // every_ns) for series, time_ns in measurement.rows}
                    )
                self._insert(measurement)
                if late:
                    roll_up(self._connection, measurement.id, late)
            self._connection.execute("COMMIT")
        except BaseException:
            self.forget()
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        return refusals

    def _collect(self, catalogue: Catalogue, data: bytes, refusals: Refusals) -> list[Measurement]:
        """Add each point to the rows of its measurement; return the measurements with rows."""
        now_ns = time.time_ns()
        touched: dict[int, Measurement] = {}
        text = data.decode(errors="surrogateescape")
        decodable = text.isascii() or not _undecodable.search(text)
        heads = self._heads
        for number, line in split_lines(text):
            try:
                if not decodable:
                    _check_decodable(line, number)
                end = find_head_end(line)
                head = line[:end]
                known = heads.get(head)
                if known is None:
                    name, tags = parse_head(line, number)
                    measurement = catalogue.measurement(name)
                    fields, time_ns = parse_body(line, end, number)
                    _check_types(measurement, fields, number)
                    series = catalogue.series(measurement, tags)
                    if len(heads) >= MAX_HEADS:
                        heads.clear()
                    heads[head] = measurement, series
                else:
                    measurement, series = known
                    fields, time_ns = parse_body(line, end, number)
                    _check_types(measurement, fields, number)
            except LineProtocolError as error:
                refusals.add(str(error))
                continue
            rows = measurement.rows
            if not rows:
                touched[measurement.id] = measurement
            key = (series, now_ns if time_ns is None else time_ns)
            if key in rows:
                rows[key].update(fields)
            else:
                rows[key] = fields
        return list(touched.values())

    def _insert(self, measurement: Measurement) -> None:
        """Insert or merge the rows, in the table's order, in one statement per set of fields."""
        converted = not {bool, Unsigned}.isdisjoint(measurement.types.values())
        groups: dict[tuple[str, ...], list[tuple[FieldValue, ...]]] = {}
        for key, fields in sorted(measurement.rows.items(), key=_by_series_and_time):
            # With exact ints sqlite3 does not search for an adapter.
            values = (
                [int(value) if isinstance(value, int) else value for value in fields.values()]
                if converted
                else fields.values()
            )
            groups.setdefault(tuple(fields), []).append((*key, *values))
        measurement.rows = {}
        for names, rows in groups.items():
            columns = [f"c{measurement.numbers[name]}" for name in names]
            self._connection.executemany(
                f"INSERT INTO m{measurement.id} (series, time_ns, {', '.join(columns)}) "
                f"VALUES ({', '.join('?' * (len(columns) + 2))}) ON CONFLICT (series, time_ns) "
                f"DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in columns)}",
                rows,
            )


def _check_types(measurement: Measurement, fields: dict[str, FieldValue], number: int) -> None:
    """Add new fields; raise :class:`LineProtocolError` if the point's types are not the measurement's."""
    types = measurement.types
    for key, value in fields.items():
        kind = type(value)
        if types.get(key) is not kind or kind is Unsigned:
            break
    else:
        return
    new = []
    for key, value in fields.items():
        first = types.get(key)
        if first is None:
            new.append(key)
        elif first is not type(value):
            raise LineProtocolError(
                f"field {key!r} of measurement {measurement.name!r} is of type {TYPE_NAMES[type(value)]}, "
                f"but was first written as {TYPE_NAMES[first]}; write it with that type, or under another name",
                line=number,
            )
        if isinstance(value, Unsigned) and value > MAX_INT64:
            raise LineProtocolError(
                f"field {key!r} of measurement {measurement.name!r} is {value}, above {MAX_INT64}, the largest "
                "number that the file can store",
                line=number,
            )
    if len(types) + len(new) > MAX_FIELDS:
        raise LineProtocolError(
            f"measurement {measurement.name!r} would have more than {MAX_FIELDS} fields; "
            "write what distinguishes them as a tag",
            line=number,
        )
    for key in new:
        measurement.add(key, type(fields[key]))


def _check_decodable(line: str, number: int) -> None:
    match = _undecodable.search(line)
    if match is not None:
        raise LineProtocolError(f"byte {ord(match[0]) - 0xDC00:#04x} is not UTF-8", line=number)
