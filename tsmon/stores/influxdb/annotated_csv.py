"""Annotated CSV, as InfluxDB answers queries: tables of typed rows.

Follows InfluxData's "Annotated CSV" with annotations ``datatype`` and ``group``. Columns are told apart by
position, since a tag may be called ``table`` or ``result`` too. The server's CSV writer (Go's, with CRLF) makes
each line feed in a text CR LF, which is undone here, and leaves carriage returns out, which cannot be undone.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tsmon.errors import StoreError
from tsmon.time_units import SECOND_NS

__all__ = ["Key", "Row", "Tables", "rows", "time_ns_of_rfc3339"]

Key = tuple[tuple[str, str], ...]
"""Tags of a series, in order."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the values by column name, and those of the group key by name, underscore columns left out.

    ``types`` are the columns' by name, as the annotation ``datatype`` has them; the rows of a table share it.
    """

    result: str
    values: dict[str, Any]
    tags: dict[str, str]
    types: Mapping[str, str]

    @property
    def key(self) -> Key:
        """The tags, in order."""
        return tuple(sorted(self.tags.items()))


def time_ns_of_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch of a time such as ``2026-01-02T03:04:05.123456789Z``."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(head + "+00:00").timestamp())
    return seconds * SECOND_NS + int(fraction.ljust(9, "0")[:9] or 0)


_CONVERTERS: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": lambda text: text == "true",
    "dateTime:RFC3339": time_ns_of_rfc3339,
    "dateTime:RFC3339Nano": time_ns_of_rfc3339,
    "double": float,
    "long": int,
    "string": lambda text: text.replace("\r\n", "\n"),
    "unsignedLong": int,
}


def rows(text: str) -> Iterator[Row]:
    """Rows of all tables, in order; raises :class:`StoreError` where the answer carries an error instead."""
    tables = Tables()
    for cells in csv.reader(io.StringIO(text, newline="")):
        row = tables.row(cells)
        if row is not None:
            yield row


class Tables:
    """Makes rows of records, remembering the annotations and names of the table that they are of."""

    def __init__(self) -> None:
        self._types: list[str] = []
        self._groups: list[str] = []
        self._names: list[str] | None = None
        self._named: Mapping[str, str] = {}
        self._default_result = ""

    def row(self, cells: list[str]) -> Row | None:
        """The row of a record; None where it tells of the table instead.

        Raises :class:`StoreError` for an error in the place of an answer; ValueError, KeyError or IndexError for
        cells that do not fit their annotations.
        """
        if not cells:
            self._names = None
        elif cells[0] == "#datatype":
            self._types, self._names = cells, None
        elif cells[0] == "#group":
            self._groups, self._names = cells, None
        elif cells[0] == "#default":
            self._default_result, self._names = cells[1], None
        elif self._names is None:
            self._names = cells
            self._named = dict(zip(cells[3:], self._types[3:], strict=False))
            if "error" in cells[:2]:
                self._types, self._groups = [], []
        elif not self._types:
            raise StoreError(f"the query failed: {cells[self._names.index('error')]}")
        else:
            return self._row(cells, self._names)
        return None

    def _row(self, cells: list[str], names: list[str]) -> Row:
        types, groups = self._types, self._groups
        values: dict[str, Any] = {}
        tags: dict[str, str] = {}
        for index in range(3, len(cells)):
            name, text = names[index], cells[index]
            if text or types[index] == "string":
                values[name] = _CONVERTERS[types[index]](text)
                if groups[index] == "true" and not name.startswith("_"):
                    tags[name] = text
        return Row(cells[1] or self._default_result, values, tags, self._named)
