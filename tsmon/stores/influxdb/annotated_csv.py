"""Annotated CSV, as InfluxDB answers queries: tables of typed rows.

Follows InfluxData's "Annotated CSV" with annotations ``datatype`` and ``group``. Columns are told apart by
position, since a tag may be called ``table`` or ``result`` too. The server's CSV writer (Go's, with CRLF) makes
each line feed in a text CR LF, which is undone here, and leaves carriage returns out, which cannot be undone.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tsmon.errors import StoreError

__all__ = ["Row", "rows", "time_ns_of_rfc3339"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the values by column name, and those of the group key by name, underscore columns left out."""

    result: str
    values: dict[str, Any]
    tags: dict[str, str]


def time_ns_of_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch of a time such as ``2026-01-02T03:04:05.123456789Z``."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(head + "+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or 0)


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
    types: list[str] = []
    groups: list[str] = []
    names: list[str] | None = None
    default_result = ""
    for cells in csv.reader(io.StringIO(text, newline="")):
        if not cells:
            names = None
        elif cells[0] == "#datatype":
            types, names = cells, None
        elif cells[0] == "#group":
            groups, names = cells, None
        elif cells[0] == "#default":
            default_result, names = cells[1], None
        elif names is None:
            names = cells
            if "error" in names[:2]:
                types, groups = [], []
        elif not types:
            raise StoreError(f"the query failed: {cells[names.index('error')]}")
        else:
            yield _row(cells, names, types, groups, default_result)


def _row(cells: list[str], names: list[str], types: list[str], groups: list[str], default_result: str) -> Row:
    values: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for index in range(3, len(cells)):
        name, text = names[index], cells[index]
        if text or types[index] == "string":
            values[name] = _CONVERTERS[types[index]](text)
            if groups[index] == "true" and not name.startswith("_"):
                tags[name] = text
    return Row(cells[1] or default_result, values, tags)
