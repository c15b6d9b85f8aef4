"""Plain CSV with a header: each row is a point, by a mapping of columns."""

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.chunks import Chunk
from tsmon_agent.ingest.files.column_mapping import ColumnMapping, guess_mapping
from tsmon_agent.ingest.files.csv_records import Field, build_undated_line, read_records
from tsmon_agent.ingest.files.local_times import LocalTimes, find_zone
from tsmon_agent.ingest.files.repeated_hours import UndatedLine
from tsmon_agent.ingest.files.time_cells import parse_time_cell
from tsmon_agent.tables.encodings import decode_line

__all__ = ["PlainCsv", "complete_mapping"]

GUESS_ROWS: Final = 100
_BOOLEANS: Final = {
    "true": True,
    "t": True,
    "1": True,
    "yes": True,
    "false": False,
    "f": False,
    "0": False,
    "no": False,
}


def complete_mapping(mapping: ColumnMapping, file: BinaryIO, *, encoding: str | None = None) -> ColumnMapping:
    """Complete a mapping from the beginning of a file; raises ImportingError."""
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    rows = list(itertools.islice(csv.reader(text, delimiter=mapping.delimiter), GUESS_ROWS + 1))
    text.detach()
    if not rows:
        raise ImportingError("the file is empty")
    try:
        names = [decode_line(name, encoding).strip() for name in rows[0]]
    except ValueError as error:
        raise ImportingError(f"line 1: {error}") from None
    return guess_mapping(mapping, names, rows[1:])


@dataclass(frozen=True, slots=True)
class PlainCsv:
    """Reads a table with a header, by a mapping from :func:`complete_mapping`."""

    mapping: ColumnMapping
    encoding: str | None = None

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are line numbers."""
        mapping = self.mapping
        local_times = LocalTimes(find_zone(mapping.timezone), mapping.time or "time")
        names: list[str] = []

        def convert(cells: list[str]) -> Iterator[UndatedLine]:
            if not names:
                names.extend(name.strip() for name in cells)
                return
            if not any(cells):
                return
            if len(cells) != len(names):
                raise ValueError(f"it has {len(cells)} cells instead of {len(names)}")
            row = dict(zip(names, map(str.strip, cells), strict=True))
            measurement = mapping.measurement or row[mapping.measurement_column or ""]
            assert mapping.time is not None
            assert mapping.time_format is not None
            time = local_times.place(parse_time_cell(mapping.time, row[mapping.time], mapping.time_format))
            fields: list[Field] = [
                (name, _parse_value(name, row[name], kind), kind)
                for name, kind in mapping.fields.items()
                if row[name]
            ]
            yield build_undated_line(measurement, [(name, row[name]) for name in mapping.tags], fields, time)

        yield from read_records(file, position, mapping.delimiter, convert, encoding=self.encoding)


def _parse_value(column: str, text: str, kind: str) -> str | float | int | bool:
    try:
        if kind == "float":
            return float(text)
        if kind in ("int", "uint"):
            number = int(text)
            low, high = (0, 2**64) if kind == "uint" else (-(2**63), 2**63)
            if not low <= number < high:
                raise ValueError
            return number
        if kind == "bool":
            return _BOOLEANS[text.lower()]
    except (ValueError, KeyError):
        raise ValueError(f"column {column}: {text!r} is not of type {kind}") from None
    return text
