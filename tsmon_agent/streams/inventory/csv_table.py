"""Tables in CSV: cells by the names of their columns, each row with the number of its line.

The first row is a header where it names the first column, in any of its spellings; otherwise the columns stand in
their fixed order, and those at the end may be left out. Rows without any text are passed over.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Columns", "Mistake", "Row", "escape_formula", "format_csv", "parse_csv"]

Mistake = tuple[int, str]
"""Number of a line, and what is wrong there."""

Row = tuple[int, Mapping[str, str]]
"""Number of a line, and its cells, trimmed, by the names of their columns."""

_unit: Final = re.compile(r"[(\[].*?[)\]]")
_separator: Final = re.compile(r"[\W_]+")
_formula: Final = re.compile(r"'*[=+@\t\r-]")


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a table in their fixed order, each with other spellings of its name; the first ones are needed.

    Case, blanks, underscores and units in parentheses make no difference between spellings.
    """

    spellings: Mapping[str, Sequence[str]]
    needed: int

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.spellings)

    def meant(self, title: str) -> str | None:
        """Name of the column that a cell of a header means; None for another."""
        found = _plain(title)
        for name, others in self.spellings.items():
            if found == _plain(name) or found in others:
                return name
        return None


def parse_csv(text: str, columns: Columns) -> tuple[list[Row], list[Mistake]]:
    """Rows of a table, and what is wrong with others."""
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    titles: list[str] | None = None
    is_first = True
    for line, cells in _records(text, mistakes):
        if is_first and columns.names[0] in map(columns.meant, cells):
            titles = cells
            mistakes += ((line, reason) for reason in _mistakes_in_header(cells, columns))
            if mistakes:
                break
        elif reason := _mistake_in_length(cells, titles, columns):
            mistakes.append((line, reason))
        else:
            names = columns.names if titles is None else [columns.meant(title) for title in titles]
            rows.append((line, {name: cell for name, cell in zip(names, cells, strict=False) if name}))
        is_first = False
    return rows, mistakes


def format_csv(columns: Columns, rows: Iterable[Mapping[str, str]]) -> str:
    """A table with a header that :func:`parse_csv` reads."""
    header = _format_row(columns.names)
    lines = (_format_row([escape_formula(row.get(name, "")) for name in columns.names]) for row in rows)
    return header + "".join(lines)


def escape_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: behind an apostrophe, which :func:`parse_csv` takes away."""
    return f"'{text}" if _formula.match(text) else text


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _formula.match(cell) else cell


def _records(text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, list[str]]]:
    """Rows with any text, and the numbers of the lines where they start."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for record in reader:
            cells = [_as_it_was(cell.strip()) for cell in record]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        mistakes.append((line, f"this row is no CSV ({error}); look at its quotes"))


def _mistakes_in_header(titles: list[str], columns: Columns) -> Iterator[str]:
    meant = [columns.meant(title) for title in titles]
    for title, name in zip(titles, meant, strict=True):
        if title and name is None:
            close = difflib.get_close_matches(_plain(title), map(_plain, columns.names), n=1, cutoff=0.7)
            hint = next((f"did you mean {one}?" for one in columns.names if [_plain(one)] == close), None)
            yield f"there is no column {title!r}; {hint or 'there are ' + ', '.join(columns.names)}"
    for name in columns.names:
        if meant.count(name) > 1:
            yield f"the header names the column {name} {meant.count(name)} times; remove all but one"
        elif name in columns.names[: columns.needed] and name not in meant:
            yield f"the header names no column {name}; add it"


def _mistake_in_length(cells: list[str], titles: list[str] | None, columns: Columns) -> str | None:
    length = len(cells)
    if titles is None:
        if length >= columns.needed and not any(cells[len(columns.names) :]):
            return None
        return f"this row has {_cells(length)}; the columns are {', '.join(columns.names)}, separated by commas"
    if length < len(titles) or any(cells[len(titles) :]):
        return f"this row has {_cells(length)}, and the header has {len(titles)}; separate them by commas"
    nameless = [cell for cell, title in zip(cells, titles, strict=False) if cell and not title]
    return f"{nameless[0]!r} stands in a column without a name; name it in the header" if nameless else None


def _format_row(cells: Sequence[str]) -> str:
    # The writer quotes the characters of its own line terminator only, and a reader takes a bare \r for one too.
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().removesuffix("\r\n") + "\n"


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _plain(title: str) -> str:
    return _separator.sub("", _unit.sub("", title)).lower()
