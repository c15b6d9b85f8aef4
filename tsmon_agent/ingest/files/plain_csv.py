"""Plain CSV with a header: each row is a point, by a mapping of columns."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tsmon.errors import ImportingError
from tsmon.logs.safe_text import has_control_characters
from tsmon_agent.ingest.files.chunks import Chunk
from tsmon_agent.ingest.files.column_guessing import TableMapping, guess_mapping
from tsmon_agent.ingest.files.column_mapping import ColumnMapping
from tsmon_agent.ingest.files.csv_records import read_records
from tsmon_agent.ingest.files.repeated_hours import UndatedLine
from tsmon_agent.ingest.files.row_conversion import RowConverter
from tsmon_agent.ingest.files.table_layout import DELIMITERS, LayoutOptions, find_layouts
from tsmon_agent.tables.encodings import decode_line

__all__ = ["PlainCsv", "complete_mapping"]

_separator: Final = re.compile(r"\ufeff?sep=([^\r\n])\r?\n?", re.IGNORECASE)


def complete_mapping(mapping: ColumnMapping, file: BinaryIO, *, encoding: str | None = None) -> TableMapping:
    """Complete a mapping from the beginning of a file in UTF-8; raises ImportingError for what is in doubt."""
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    lines = list(_decode(text, encoding))
    text.detach()
    delimiter = mapping.delimiter
    if lines and (named := _separator.fullmatch(lines[0])):
        # A line that Excel writes.
        delimiter, lines[0] = delimiter or named[1], "\n"
    options = LayoutOptions(
        delimiter=delimiter,
        comment=mapping.comment,
        header_line=mapping.header_line,
        unit_rows=mapping.unit_rows,
    )
    found: list[TableMapping] = []
    problem: ImportingError | None = None
    for layout, rows in find_layouts(lines, options, mapping.time):
        try:
            found.append(guess_mapping(mapping, layout, rows))
        except ImportingError as error:
            problem = problem or error
    if not found:
        assert problem is not None
        raise problem
    if len(found) > 1:
        names = " or ".join(DELIMITERS[one.layout.delimiter] for one in found)
        raise ImportingError(f"the cells may be separated by {names}; name the delimiter by --delimiter")
    (table,) = found
    for name in table.layout.names:
        if has_control_characters(name):
            raise ImportingError(f"the name of the column {name!r} holds control characters; this is no header")
    return table


def _decode(lines: Iterable[str], encoding: str | None) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield decode_line(line, encoding)
        except ValueError as error:
            if number == 1:
                raise ImportingError(f"line 1: {error}") from None
            # A row that is rejected later.
            yield "\n"


@dataclass(frozen=True, slots=True)
class PlainCsv:
    """Reads a table with a header, by a mapping from :func:`complete_mapping`."""

    table: TableMapping
    encoding: str | None = None

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are line numbers."""
        layout = self.table.layout
        rows = RowConverter(self.table)

        def convert(cells: list[str]) -> Iterator[UndatedLine]:
            if any(cells) and (line := rows.convert(cells)) is not None:
                yield line

        def is_row(number: int, text: str) -> bool:
            return number >= layout.data_line and not (
                layout.comment and text.lstrip().startswith(layout.comment) and not rows.is_row(text)
            )

        yield from read_records(file, position, layout.delimiter, convert, encoding=self.encoding, is_row=is_row)
