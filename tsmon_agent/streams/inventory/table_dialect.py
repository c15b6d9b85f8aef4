"""How people write tables of streams and deployments: other delimiters, decimal commas, dates, comments, units.

What is recognised without a doubt is written as the parsers of cells read it; a doubt is a mistake in its line.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from tsmon.availability import parse_time as parse_exact_time
from tsmon.errors import AvailabilityError, ImportingError
from tsmon_agent.tables.numbers import find_number_form, looks_like_number
from tsmon_agent.tables.times import DATE_ORDERS, find_time_form, has_date, parse_time

__all__ = ["MARKS", "find_delimiter", "normalize_numbers", "normalize_times", "without_comments"]

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
MARKS: Final = frozenset(("NULL", "null", "-", "N/A", "n/a"))
"""Cells that are empty, in columns that may be."""

_seconds: Final = re.compile(r"-?\d+(?:\.\d*)?", re.ASCII)

Row = tuple[int, Mapping[str, str]]
Mistake = tuple[int, str]


def without_comments(text: str) -> Iterator[str]:
    """The lines of a table; those that begin with ``#`` are empty, unless they are within a quoted cell."""
    is_quoted = False
    for line in io.StringIO(text, newline=""):
        if not is_quoted and line.lstrip().startswith("#"):
            yield "\n"
            continue
        if line.count('"') % 2:
            is_quoted = not is_quoted
        yield line


def find_delimiter(lines: Sequence[str], is_header: Callable[[Sequence[str]], bool], required: int) -> str:
    """The delimiter that splits the first row into a header, or else into as many cells as are required.

    Raises ValueError if there are several.
    """
    found: list[str] = []
    for delimiter in DELIMITERS:
        cells = next(filter(any, csv.reader(lines, delimiter=delimiter)), [])
        if len(cells) > 1 and is_header([cell.strip() for cell in cells]):
            return delimiter
        if len(cells) >= max(required, 2):
            found.append(delimiter)
    if len(found) > 1:
        shown = " or ".join(DELIMITERS[one] for one in found)
        raise ValueError(f"the cells may be separated by {shown}; put a header above them")
    return found[0] if found else ","


def normalize_numbers(rows: list[Row], columns: Iterable[str]) -> tuple[list[Row], list[Mistake]]:
    """Rows whose numbers have a decimal point; and a mistake, if it is in doubt what the numbers are."""
    names = [*columns]
    cells = [(line, row[name]) for line, row in rows for name in names if looks_like_number(row.get(name, ""))]
    if not any("," in cell or " " in cell or "'" in cell for _, cell in cells):
        return rows, []
    try:
        form = find_number_form((cell for _, cell in cells), None, None)
    except ImportingError as error:
        line = next(line for line, cell in cells if "," in cell or "'" in cell or " " in cell)
        return rows, [(line, f"{str(error).rpartition(';')[0]}; write numbers with a decimal point")]

    def normalize(cell: str) -> str:
        return form.normalize(cell) if looks_like_number(cell) else cell

    return [(line, _change(row, names, normalize)) for line, row in rows], []


def normalize_times(rows: list[Row], columns: Iterable[str]) -> tuple[list[Row], list[Mistake]]:
    """Rows whose dates are in ISO 8601; and the mistakes, where it is in doubt what the dates are."""
    names = [*columns]
    wrong = [(line, reason) for line, row in rows for name in names if (reason := _find_doubt(row.get(name, "")))]
    if wrong:
        return rows, wrong
    cells = [(line, row[name]) for line, row in rows for name in names if _is_foreign(row.get(name, ""))]
    if not cells:
        return rows, []
    try:
        order = find_time_form([cell for _, cell in cells])
    except ImportingError as error:
        return rows, [(cells[0][0], f"{str(error).rpartition(';')[0]}; write dates as 2024-05-01")]

    def normalize(cell: str) -> str:
        if not _is_foreign(cell):
            return cell
        moment, nanoseconds = parse_time(cell, order if order in DATE_ORDERS else "")
        text = moment.isoformat(timespec="microseconds")
        return f"{text[:26]}{nanoseconds:03d}{text[26:]}"

    return [(line, _change(row, names, normalize)) for line, row in rows], []


def _change(row: Mapping[str, str], names: Iterable[str], change: Callable[[str], str]) -> Mapping[str, str]:
    changed = dict(row)
    for name in names:
        if name in row:
            try:
                changed[name] = change(row[name])
            except ValueError:
                # The parser of the cell says what is wrong.
                continue
    return changed


def _find_doubt(cell: str) -> str:
    """Why a number is not taken for seconds since 1970; empty if it is, or if the cell is no number."""
    if not _seconds.fullmatch(cell):
        return ""
    try:
        find_time_form([cell.removeprefix("-")])
    except ImportingError as error:
        return f"{str(error).rpartition(';')[0]}; write dates as 2024-05-01"
    return ""


def _is_foreign(cell: str) -> bool:
    """Whether a cell is a date, but not of the form that is always accepted."""
    if not has_date(cell):
        return False
    if cell.isdigit():
        # Not seconds since 1970, which would be in that year.
        return len(cell) in (8, 12, 14)
    try:
        parse_exact_time(cell)
    except AvailabilityError:
        return True
    return False
