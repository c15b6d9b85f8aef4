"""Tables in CSV: the cells of each row by the names of their columns, with the row's line number.

The first row is a header if it names the first column, in any of its spellings. Otherwise the columns are in their
fixed order, and trailing ones may be left out. Rows without any text are skipped, and so are comments, a row of
units below the header, and the index that pandas writes.
For delimiters, numbers and dates see :mod:`.table_dialect`.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tsmon_agent.streams.inventory.table_dialect import (
    MARKS,
    find_delimiter,
    normalize_numbers,
    normalize_times,
    without_comments,
)
from tsmon_agent.tables.csv_errors import describe_csv_error
from tsmon_agent.tables.zone_names import find_clock_name, find_offset

__all__ = ["Columns", "Mistake", "Row", "escape_formula", "format_csv", "parse_csv"]

Mistake = tuple[int, str]
"""A line number, and what is wrong in that line."""

Row = tuple[int, Mapping[str, str]]
"""A line number, and the trimmed cells of that row by the names of their columns."""

_unit: Final = re.compile(r"[(\[].*?[)\]]")
_separator: Final = re.compile(r"[\W_]+")
_formula: Final = re.compile(r"'*[=+@\t\r-]")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table in their fixed order, each with alternative spellings of its name.

    The first ``required`` columns may not be left out. Spellings are compared without case, blanks, underscores and
    units in parentheses. ``numbers`` and ``times`` are the columns that hold these.
    """

    spellings: Mapping[str, Sequence[str]]
    required: int
    numbers: Sequence[str] = ()
    times: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.spellings)

    def find(self, title: str) -> str | None:
        """Find the column that a cell of a header names."""
        found = _normalize(title)
        for name, others in self.spellings.items():
            if found == _normalize(name) or found in others:
                return name
        return None


def parse_csv(text: str, columns: Columns) -> tuple[list[Row], list[Mistake]]:
    """Parse a table: its rows, and the mistakes in those that are left out."""
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    titles: list[str] | None = None
    is_first = True
    lines = list(without_comments(text))

    def is_header(cells: Sequence[str]) -> bool:
        return columns.names[0] in map(columns.find, cells)

    try:
        delimiter = find_delimiter(lines, is_header, columns.required)
    except ValueError as error:
        return [], [(1, str(error))]
    except csv.Error:
        delimiter = ","
    for line, cells in _records(lines, delimiter, mistakes):
        if is_first and is_header(cells):
            titles = cells
            mistakes += ((line, reason) for reason in _find_mistakes_in_header(cells, columns))
            if mistakes:
                break
        elif reason := _find_mistake_in_length(cells, titles, columns):
            mistakes.append((line, reason))
        else:
            names = columns.names if titles is None else [columns.find(title) for title in titles]
            row = {name: cell for name, cell in zip(names, cells, strict=False) if name}
            if rows or titles is None or not _holds_units(row, columns):
                rows.append((line, {name: _unescape(name, cell, columns) for name, cell in row.items()}))
        is_first = False
    rows, doubtful_numbers = normalize_numbers(rows, columns.numbers)
    rows, doubtful_times = normalize_times(rows, columns.times)
    return rows, [*mistakes, *doubtful_numbers, *doubtful_times]


def format_csv(columns: Columns, rows: Iterable[Mapping[str, str]]) -> str:
    """Format a table with a header; :func:`parse_csv` returns the same rows."""
    lines = (_format_row([_escape(name, row[name], columns) for name in columns.names]) for row in rows)
    return _format_row(columns.names) + "".join(lines)


def escape_formula(text: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would take for a formula; :func:`parse_csv` removes it."""
    return f"'{text}" if _formula.match(text) else text


def _escape(name: str, text: str, columns: Columns) -> str:
    if text.lstrip("'") in MARKS and name not in columns.names[: columns.required]:
        return f"'{text}"
    return escape_formula(text)


def _unescape(name: str, cell: str, columns: Columns) -> str:
    if name not in columns.names[: columns.required]:
        if cell in MARKS:
            return ""
        if cell.startswith("'") and cell.lstrip("'") in MARKS:
            return cell[1:]
    return cell[1:] if cell.startswith("'") and _formula.match(cell) else cell


def _holds_units(row: Mapping[str, str], columns: Columns) -> bool:
    """Whether a row below the header has no names, and no number where one belongs."""
    return not any(row.get(name) for name in columns.names[: columns.required]) and not any(
        character.isdigit() for cell in row.values() for character in cell
    )


def _records(lines: Sequence[str], delimiter: str, mistakes: list[Mistake]) -> Iterator[tuple[int, list[str]]]:
    """Rows with any text, and the numbers of the lines in which they start."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        mistakes.append((line, f"this row is not valid CSV: {describe_csv_error(error)}"))


def _find_mistakes_in_header(titles: list[str], columns: Columns) -> Iterator[str]:
    found = [columns.find(title) for title in titles]
    for title, name in zip(titles, found, strict=True):
        if title and name is None:
            close = difflib.get_close_matches(_normalize(title), map(_normalize, columns.names), n=1, cutoff=0.7)
            hint = next(
                (f"write {one}, if that is meant" for one in columns.names if [_normalize(one)] == close), None
            )
            yield f"there is no column {title!r}; {hint or 'there are ' + ', '.join(columns.names)}"
        elif name in columns.times and (clock := find_offset(title) or find_clock_name(title)):
            yield (
                f"the column {title!r} says that its times are {clock}, not UTC; write each with its offset, as "
                f"2024-05-01T12:30:00+02:00, and call the column {name}"
            )
    for name in columns.names:
        if found.count(name) > 1:
            yield f"the header names the column {name} {found.count(name)} times; remove all but one"
        elif name in columns.names[: columns.required] and name not in found:
            yield f"the header names no column {name}; add it"


def _find_mistake_in_length(cells: list[str], titles: list[str] | None, columns: Columns) -> str | None:
    length = len(cells)
    if titles is None:
        if length >= columns.required and not any(cells[len(columns.names) :]):
            return None
        return (
            f"this row has {_count_cells(length)}; the columns are {', '.join(columns.names)}, separated by commas"
        )
    if length < len(titles) or any(cells[len(titles) :]):
        return f"this row has {_count_cells(length)}, and the header has {len(titles)}; separate them by commas"
    untitled = [cell for cell, title in zip(cells, titles, strict=False) if cell and not title]
    if untitled and not titles[0] and untitled == [cells[0]] and cells[0].isdecimal():
        return None
    return f"{untitled[0]!r} is in a column without a name; name it in the header" if untitled else None


def _format_row(cells: Sequence[str]) -> str:
    # The writer quotes only the characters of its own line terminator, but readers also break lines at a bare \r.
    written = io.StringIO(newline="")
    # Without quotes, a first cell that begins with # would be a comment.
    if cells[0].startswith("#"):
        csv.writer(written, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().removesuffix("\r\n") + "\n"


def _count_cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _normalize(title: str) -> str:
    return _separator.sub("", _unit.sub("", title)).lower()
