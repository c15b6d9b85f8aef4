"""Plain CSV with a header: each row is a point, by a mapping of columns."""

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, Final

from tsmon.errors import ImportingError
from tsmon.line_protocol.times import to_time_ns
from tsmon_agent.ingest.files.chunks import Chunk
from tsmon_agent.ingest.files.column_mapping import TIME_UNITS, ColumnMapping, check_zone, guess_mapping
from tsmon_agent.ingest.files.csv_records import Field, build_line, read_records

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


def complete_mapping(mapping: ColumnMapping, file: BinaryIO) -> ColumnMapping:
    """Complete a mapping from the beginning of a file; raises ImportingError."""
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    rows = list(itertools.islice(csv.reader(text, delimiter=mapping.delimiter), GUESS_ROWS + 1))
    text.detach()
    if not rows:
        raise ImportingError("the file is empty")
    return guess_mapping(mapping, [name.strip() for name in rows[0]], rows[1:])


@dataclass(frozen=True, slots=True)
class PlainCsv:
    """Reads a table with a header, by a mapping from :func:`complete_mapping`."""

    mapping: ColumnMapping

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are line numbers."""
        mapping = self.mapping
        zone = check_zone(mapping.timezone)
        names: list[str] = []

        def convert(cells: list[str]) -> Iterator[str]:
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
            time_ns = _parse_time(mapping.time, row[mapping.time], mapping.time_format, zone)
            fields: list[Field] = [
                (name, _parse_value(name, row[name], kind), kind)
                for name, kind in mapping.fields.items()
                if row[name]
            ]
            yield build_line(measurement, [(name, row[name]) for name in mapping.tags], fields, time_ns)

        yield from read_records(file, position, mapping.delimiter, convert)


def _parse_time(column: str, text: str, form: str, zone: object) -> int:
    """Integer nanoseconds; exact for numbers, and for ISO 8601 with up to nine decimals."""
    if form in TIME_UNITS:
        try:
            return int(Decimal(text) * TIME_UNITS[form])
        except (InvalidOperation, ValueError, OverflowError):
            raise ValueError(f"column {column}: {text!r} is not a number of {form} since the epoch") from None
    try:
        nanoseconds = 0
        if form == "iso":
            text, nanoseconds = _split_nanoseconds(text)
            moment = datetime.fromisoformat(text)
        else:
            moment = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        what = "not a time in ISO 8601" if form == "iso" else f"not a time of the form {form}"
        raise ValueError(f"column {column}: {text!r} is {what}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)  # type: ignore[arg-type]
    return to_time_ns(moment.astimezone(UTC)) + nanoseconds


def _split_nanoseconds(text: str) -> tuple[str, int]:
    """A time cut to microseconds, and the rest in nanoseconds."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not dot or len(digits) <= 6:
        return text, 0
    return f"{head}.{digits[:6]}{rest[len(digits) :]}", int(digits[6:9].ljust(3, "0"))


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
