"""The layout of a plain table: delimiter, comments, the line of the header, and rows of units below it."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.column_names import find_time_columns
from tsmon_agent.tables.csv_errors import describe_csv_error
from tsmon_agent.tables.times import has_date, is_time_of_day

__all__ = ["DELIMITERS", "LayoutOptions", "Record", "TableLayout", "find_layouts", "read_head"]

DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
SAMPLE_ROWS: Final = 200
"""Rows by which the delimiter is recognised."""
PREAMBLE_ROWS: Final = 60
"""A header is not looked for below so many rows."""
UNIT_ROWS: Final = 3


class Record(NamedTuple):
    """Cells of a row, trimmed, and the numbers of its first and last line."""

    first: int
    last: int
    cells: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutOptions:
    """What is given of a layout; the rest is recognised."""

    delimiter: str | None = None
    comment: str = "#"
    header_line: int | None = None
    unit_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """Where the rows of a table begin, and how they are split into cells."""

    delimiter: str
    comment: str
    header_line: int
    names: Sequence[str]
    data_line: int
    """Number of the first line below the header and the rows of units."""
    unit_rows: int = 0
    units: Sequence[Sequence[str]] = ()
    """The cells of the rows of units."""

    def describe(self) -> Iterator[str]:
        """What a person should know, because it is not what every table has."""
        if self.delimiter != ",":
            yield f"separated by {DELIMITERS.get(self.delimiter, repr(self.delimiter))}"
        if self.header_line != 1:
            yield f"header in line {self.header_line}"
        if self.unit_rows:
            yield f"{self.unit_rows} row{'s' if self.unit_rows > 1 else ''} of units below it"


def read_head(lines: Sequence[str], delimiter: str, comment: str) -> list[Record]:
    """The rows of the beginning of a file that hold any text, without comments."""
    rows: list[Record] = []
    reader = csv.reader(
        ("\n" if _is_comment(line, delimiter, comment) else line for line in lines),
        delimiter=delimiter,
        skipinitialspace=True,
    )
    first = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                rows.append(Record(first, reader.line_num, cells))
            first = reader.line_num + 1
    except csv.Error as error:
        raise ImportingError(f"line {first}: the row is not valid CSV: {describe_csv_error(error)}") from None
    return rows


def find_layouts(
    lines: Sequence[str], options: LayoutOptions, time: str | None
) -> list[tuple[TableLayout, list[Record]]]:
    """The layouts that a file may have, each with its rows; ``time`` is the name of the column of times, if given.

    Raises :class:`~tsmon.errors.ImportingError` if there is none.
    """
    if not any(line.strip() for line in lines):
        raise ImportingError("the file is empty")
    found: list[tuple[TableLayout, list[Record]]] = []
    for delimiter in DELIMITERS if options.delimiter is None else [options.delimiter]:
        if delimiter == " " and options.delimiter is None and found:
            continue
        layout = _find_layout(lines, delimiter, options, time)
        if layout is not None:
            found.append(layout)
    with_time = [one for one in found if find_time_columns(one[0].names, time)]
    if with_time or found:
        return with_time or found[:1]
    if options.delimiter is not None:
        raise ImportingError(f"the delimiter {options.delimiter!r} does not separate two columns; name another")
    raise ImportingError(
        "no delimiter separates the lines into the same number of columns; name it by --delimiter, "
        "and the line of the header by --header-line"
    )


def _find_layout(
    lines: Sequence[str], delimiter: str, options: LayoutOptions, time: str | None
) -> tuple[TableLayout, list[Record]] | None:
    rows = read_head(lines, delimiter, options.comment)
    index, header = _find_header(lines, rows, delimiter, options, time)
    if header is None:
        return None
    names = _without_trailing(header.cells)
    below = rows[index:]
    sample = below[:SAMPLE_ROWS]
    if any(len(names) < len(_without_trailing(row.cells)) <= len(header.cells) for row in sample):
        names = header.cells
    fitting = sum(_fits(row.cells, names) for row in sample)
    if len(names) < 2 or 2 * fitting < len(sample):
        return None
    units = options.unit_rows if options.unit_rows is not None else _count_unit_rows(below, names, time)
    last = below[units - 1].last if units else header.last
    layout = TableLayout(
        delimiter=delimiter,
        comment=options.comment,
        header_line=header.first,
        names=tuple(names),
        data_line=last + 1,
        unit_rows=units,
        units=tuple(row.cells for row in below[:units]),
    )
    return layout, below[units:]


def _find_header(
    lines: Sequence[str], rows: Sequence[Record], delimiter: str, options: LayoutOptions, time: str | None
) -> tuple[int, Record | None]:
    """The header, and the index of the first row below it."""
    if options.header_line is not None:
        number = options.header_line
        for index, row in enumerate(rows):
            if row.first == number:
                return index + 1, row
        return next((i for i, row in enumerate(rows) if row.first > number), len(rows)), _read_comment(
            lines, number, delimiter, options.comment
        )
    for index, row in enumerate(rows[:PREAMBLE_ROWS]):
        if len(_without_trailing(row.cells)) > 1 and find_time_columns(row.cells, time):
            return index + 1, row
    if rows and (row := rows[0]).first > 1:
        # Some programs write the names of the columns as the last comment.
        above = next((number for number in range(row.first - 1, 0, -1) if lines[number - 1].strip()), 0)
        header = _read_comment(lines, above, delimiter, options.comment) if above else None
        if header is not None and len(header.cells) == len(row.cells) and find_time_columns(header.cells, time):
            return 0, header
    return (1, rows[0]) if rows else (0, None)


def _is_comment(line: str, delimiter: str, comment: str) -> bool:
    """Whether a line is a comment, and no row whose first cell begins in the same way."""
    if not comment or not line.lstrip().startswith(comment):
        return False
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return not any(has_date(cell.strip()) for cell in cells)


def _read_comment(lines: Sequence[str], number: int, delimiter: str, comment: str) -> Record | None:
    if not 1 <= number <= len(lines):
        return None
    text = lines[number - 1].strip().removeprefix(comment)
    cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    return Record(number, number, [cell.strip() for cell in cells])


def _count_unit_rows(rows: Sequence[Record], names: Sequence[str], time: str | None) -> int:
    """Rows below the header that hold neither a time nor a number, if a row with a time follows."""
    columns = find_time_columns(names, time) or [0]

    def has_time(row: Record) -> bool:
        cells = [row.cells[column] for column in columns if column < len(row.cells)]
        return any(has_date(cell) or is_time_of_day(cell) or _has_digit_first(cell) for cell in cells)

    for count, row in enumerate(rows[: UNIT_ROWS + 1]):
        if has_time(row):
            return count
        if any(map(_has_digit_first, row.cells)):
            return 0
    return 0


def _has_digit_first(cell: str) -> bool:
    return cell.lstrip("+-.,")[:1].isdigit()


def _without_trailing(cells: Sequence[str]) -> list[str]:
    kept = list(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _fits(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether there is a cell for each name; empty ones beyond the header do not count."""
    return len(cells) >= len(names) and not any(cells[len(names) :])
