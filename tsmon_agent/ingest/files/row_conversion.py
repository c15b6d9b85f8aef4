"""Conversion of the rows of a plain table to points."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from tsmon_agent.ingest.files.column_guessing import TableMapping
from tsmon_agent.ingest.files.csv_records import Field, build_undated_line
from tsmon_agent.ingest.files.local_times import LocalTime, LocalTimes, find_zone
from tsmon_agent.ingest.files.repeated_hours import UndatedLine
from tsmon_agent.ingest.files.time_cells import parse_time_cell
from tsmon_agent.tables.numbers import NumberForm, is_missing

__all__ = ["RowConverter", "parse_value"]

SHOWN_CHARACTERS: Final = 60

_NUMBERS: Final = ("float", "int", "uint")
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


class RowConverter:
    """Converts rows by a mapping; raises ValueError for a row that is no point."""

    def __init__(self, table: TableMapping) -> None:
        mapping, names = table.mapping, list(table.layout.names)
        assert mapping.time is not None
        assert mapping.time_format is not None
        self._width = len(names)
        self._delimiter = table.layout.delimiter
        self._numbers = table.numbers
        self._missing = frozenset(mapping.missing)
        self._missing_numbers = frozenset(_parse_numbers(mapping.missing, table.numbers))
        self._local_times = LocalTimes(find_zone(mapping.timezone), mapping.time)
        self._time_name, self._time_format = mapping.time, mapping.time_format
        self._time = names.index(mapping.time)
        self._clock = None if mapping.time_of_day is None else names.index(mapping.time_of_day)
        self._measurement = mapping.measurement
        column = mapping.measurement_column
        self._measurement_column = 0 if column is None else names.index(column)
        self._tags = [(name, names.index(name)) for name in mapping.tags]
        self._fields = [(name, names.index(name), kind) for name, kind in mapping.fields.items()]

    def convert(self, cells: list[str], time: int | LocalTime | None = None) -> UndatedLine | None:
        """Build the line of a row; its time is parsed, unless it is given.

        None if the row says by marks, such as NULL, that there are no values, which is no mistake.
        """
        if len(cells) != self._width and (len(cells) < self._width or any(map(str.strip, cells[self._width :]))):
            raise ValueError(f"it has {len(cells)} cells instead of {self._width}")
        cells = [*map(str.strip, cells)]
        time = self._parse_time(cells) if time is None else time
        missing = self._missing
        tags = [(name, cells[index]) for name, index in self._tags if cells[index] not in missing]
        fields: list[Field] = []
        is_marked = False
        for name, index, kind in self._fields:
            text = cells[index]
            if text and text not in missing and (kind == "str" or not is_missing(text)):
                value = parse_value(name, text, kind, self._numbers)
                if kind in _NUMBERS and value in self._missing_numbers:
                    is_marked = True
                else:
                    fields.append((name, value, kind))
            else:
                is_marked = is_marked or bool(text)
        if is_marked and not fields:
            return None
        measurement = self._measurement or cells[self._measurement_column]
        return build_undated_line(measurement, tags, fields, self._local_times.place(time))

    def is_row(self, text: str) -> bool:
        """Whether a line that begins like a comment is a row: it has as many cells, and a time."""
        cells = next(csv.reader([text], delimiter=self._delimiter, skipinitialspace=True), [])
        if len(cells) != self._width:
            return False
        try:
            self._parse_time([*map(str.strip, cells)])
        except ValueError:
            return False
        return True

    def _parse_time(self, cells: list[str]) -> int | LocalTime:
        text = cells[self._time]
        if self._clock is not None:
            text = f"{text} {cells[self._clock]}"
        if len(text) > SHOWN_CHARACTERS:
            text = f"{text[:SHOWN_CHARACTERS]}…"
        return parse_time_cell(self._time_name, text, self._time_format)


def _parse_numbers(texts: Iterable[str], numbers: NumberForm) -> Iterator[float]:
    """Marks of missing values that are numbers, which may be written in another way, as -9999 and -9999.00."""
    for text in texts:
        for form in (numbers, NumberForm()):
            try:
                yield float(form.normalize(text))
            except ValueError:
                continue
            break


def parse_value(column: str, text: str, kind: str, numbers: NumberForm) -> str | float | int | bool:
    """The value of a cell; raises ValueError if it is not of this type."""
    try:
        if kind == "float":
            return float(numbers.normalize(text))
        if kind in ("int", "uint"):
            number = int(numbers.normalize(text))
            low, high = (0, 2**64) if kind == "uint" else (-(2**63), 2**63)
            if not low <= number < high:
                raise ValueError
            return number
        if kind == "bool":
            return _BOOLEANS[text.lower()]
    except (ValueError, KeyError):
        shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
        raise ValueError(f"column {column}: {shown!r} is not of type {kind}") from None
    return text
