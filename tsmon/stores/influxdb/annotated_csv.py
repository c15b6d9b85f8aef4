"""Parser of annotated CSV, the format of InfluxDB's query results: tables of typed rows.

Follows InfluxData's "Annotated CSV" with the annotations ``datatype``, ``group`` and ``default``. Columns are
identified by position, since a tag may also be named ``table`` or ``result``. The server's CSV writer (Go's, with
CRLF) turns each line feed in a text into CR LF, which is undone here, and drops carriage returns, which cannot be
undone.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tsmon.errors import StoreError
from tsmon.time_units import SECOND_NS

__all__ = ["Key", "Row", "TableParser", "parse_rfc3339", "parse_rows"]

Key = tuple[tuple[str, str], ...]
"""Tags of a series, sorted by key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values by column name, and its tags (the group key without underscore columns).

    ``types`` are the data types by column name, from the annotation ``datatype``; all rows of a table share them.
    """

    result: str
    values: dict[str, Any]
    tags: dict[str, str]
    types: Mapping[str, str]

    @property
    def key(self) -> Key:
        """The tags, sorted by key."""
        return tuple(sorted(self.tags.items()))


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch, from a time such as ``2026-01-02T03:04:05.123456789Z``."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(head + "+00:00").timestamp())
    return seconds * SECOND_NS + int(fraction.ljust(9, "0")[:9] or 0)


_CONVERTERS: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": lambda text: text == "true",
    "dateTime:RFC3339": parse_rfc3339,
    "dateTime:RFC3339Nano": parse_rfc3339,
    "double": float,
    "long": int,
    "string": lambda text: text.replace("\r\n", "\n"),
    "unsignedLong": int,
}


def parse_rows(text: str) -> Iterator[Row]:
    """Rows of all tables, in order; raises :class:`StoreError` if they are something else, such as an error."""
    parser = TableParser()
    try:
        for cells in csv.reader(io.StringIO(text, newline="")):
            row = parser.parse_record(cells)
            if row is not None:
                yield row
    except (ValueError, csv.Error):
        raise StoreError(
            f"the answer is not a query's ({text[:60]!r} is its beginning); check that monitoring.url is InfluxDB's"
        ) from None


class TableParser:
    """Turns CSV records into rows; remembers the annotations and column names of the current table."""

    def __init__(self) -> None:
        self._types: list[str] = []
        self._groups: list[str] = []
        self._names: list[str] | None = None
        self._named: Mapping[str, str] = {}
        self._default_result = ""

    def parse_record(self, cells: list[str]) -> Row | None:
        """The row of a record; None if the record is empty, an annotation or a header.

        Raises :class:`StoreError` if the record is an error message of the server; ValueError with the reason if
        cells do not fit their annotations, or there are none.
        """
        if not cells:
            self._names = None
        elif cells[0] == "#datatype":
            self._types, self._names = cells, None
        elif cells[0] == "#group":
            self._groups, self._names = cells, None
        elif cells[0] == "#default":
            self._default_result, self._names = "".join(cells[1:2]), None
        elif self._names is None:
            self._names = cells
            self._named = dict(zip(cells[3:], self._types[3:], strict=False))
            if "error" in cells[:2]:
                self._types, self._groups = [], []
        elif not self._types:
            if "error" not in self._names:
                raise ValueError("no row #datatype is above the header of its table")
            raise StoreError(f"the query failed: {cells[self._names.index('error')]}")
        else:
            return self._row(cells, self._names)
        return None

    def _row(self, cells: list[str], names: list[str]) -> Row:
        types, groups = self._types, self._groups
        values: dict[str, Any] = {}
        tags: dict[str, str] = {}
        name = text = ""
        index = 0
        try:
            for index in range(3, len(cells)):
                name, text = names[index], cells[index]
                if text or types[index] == "string":
                    values[name] = _CONVERTERS[types[index]](text)
                    if groups[index] == "true" and not name.startswith("_"):
                        tags[name] = text
            return Row(cells[1] or self._default_result, values, tags, self._named)
        except IndexError:
            raise ValueError(f"it has {len(cells)} cells, and its table has {len(names)} columns") from None
        except KeyError:
            raise ValueError(f"column {name} is of the unknown type {types[index]}") from None
        except ValueError:
            raise ValueError(f"column {name}: {text!r} is not of type {types[index]}") from None
