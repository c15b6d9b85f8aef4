"""Rows of CSV in chunks: numbered, converted, and split into lines and bad rows."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final

from tsmon.errors import ImportingError, InvalidPointError
from tsmon.line_protocol.escaping import (
    check_field_key,
    check_measurement,
    check_tag_key,
    check_tag_value,
    escape_field_key,
    escape_measurement,
    escape_string,
    escape_tag,
)
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon_agent.ingest.files.chunks import BadRow, Chunk
from tsmon_agent.ingest.files.local_times import TwoTimes
from tsmon_agent.ingest.files.repeated_hours import Placed, RowOrder, UndatedLine
from tsmon_agent.tables.csv_errors import describe_csv_error
from tsmon_agent.tables.decoded_lines import DecodedLines

__all__ = ["Field", "add_to_chunk", "build_line", "build_undated_line", "read_records"]

CHUNK_LINES: Final = 10_000

Field = tuple[str, str | float | int | bool, str]
"""Key, value, and its type in line protocol: ``float``, ``int``, ``uint``, ``bool`` or ``str``."""

_separator: Final = re.compile(r"sep=([^\r\n])\r?\n?", re.IGNORECASE)
_SUFFIXES: Final = {"float": "", "int": "i", "uint": "u"}


def read_records(
    file: BinaryIO,
    done: int,
    delimiter: str,
    convert: Callable[[list[str]], Iterable[str | UndatedLine]],
    *,
    encoding: str | None = None,
    is_row: Callable[[int, str], bool] | None = None,
) -> Iterator[Chunk]:
    """Convert records to lines by ``convert``; yields chunks of the records after line ``done``.

    Earlier records are converted too, since later ones may depend on them. A ValueError (or KeyError, IndexError)
    of ``convert`` makes the record a bad row; an ImportingError ends the file. A line whose time occurs twice is
    yielded when later records have shown which time it is. ``encoding`` is that of lines that are not UTF-8, if it
    is given. Lines that are not ``is_row`` are passed over.
    """
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    lines = DecodedLines(text, encoding, is_row)
    try:
        delimiter = _take_separator(lines, delimiter)
        is_table = is_row is not None
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=is_table, strict=is_table)
        yield from _read_chunks(reader, lines, done, delimiter, convert)
    finally:
        # Otherwise the wrapper would close the file, which it does not own.
        text.detach()


def _take_separator(lines: DecodedLines, delimiter: str) -> str:
    """The delimiter that a first line such as ``sep=;`` names, as Excel writes it; the line becomes empty."""
    first = next(lines, None)
    if first is None:
        return delimiter
    found = _separator.fullmatch(first)
    lines.read_again("\n" if found else first)
    return found[1] if found else delimiter


def _read_chunks(
    reader: Any,
    lines: DecodedLines,
    done: int,
    delimiter: str,
    convert: Callable[[list[str]], Iterable[str | UndatedLine]],
) -> Iterator[Chunk]:
    order = RowOrder()
    chunk = Chunk([], [], done, done + 1)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            # The quotes of one row must not swallow those below it.
            cells, reason = [lines.reject_first_line()], describe_csv_error(error)
        else:
            reason = lines.finish_record()
        number, line = line, lines.number + 1
        placed: list[Placed] = []
        if not reason:
            try:
                for made in convert(cells):
                    if isinstance(made, str):
                        placed.append((number, made))
                    else:
                        placed += order.place(number, delimiter.join(cells), made)
            except ImportingError as error:
                raise ImportingError(f"line {number}: {error}") from None
            except (ValueError, KeyError, IndexError) as error:
                reason = _describe(error)
        if reason:
            placed.append(BadRow(number, reason, delimiter.join(cells)))
        if number > done:
            add_to_chunk(chunk, placed)
            chunk.position, chunk.line = lines.number, line
            if len(chunk.lines) + len(chunk.bad) >= CHUNK_LINES:
                yield chunk
                chunk = Chunk([], [], chunk.position, line)
    add_to_chunk(chunk, order.finish())
    if chunk.lines or chunk.bad:
        yield chunk


def add_to_chunk(chunk: Chunk, placed: Iterable[Placed]) -> None:
    """Add lines and bad rows to a chunk."""
    assert isinstance(chunk.numbers, list)
    for one in placed:
        if isinstance(one, BadRow):
            chunk.bad.append(one)
        else:
            chunk.numbers.append(one[0])
            chunk.lines.append(one[1])


def build_line(measurement: str, tags: Iterable[tuple[str, str]], fields: Iterable[Field], time_ns: int) -> str:
    """A line of line protocol; raises InvalidPointError for anything that cannot be stored."""
    return f"{build_undated_line(measurement, tags, fields, time_ns).text} {time_ns}"


def build_undated_line(
    measurement: str, tags: Iterable[tuple[str, str]], fields: Iterable[Field], time: int | TwoTimes
) -> UndatedLine:
    """A line of line protocol but for its time; raises InvalidPointError for anything that cannot be stored."""
    if isinstance(time, int) and not -MAX_TIME_NS <= time <= MAX_TIME_NS:
        raise InvalidPointError(f"its time is {time} ns, out of range")
    check_measurement(measurement)
    series = escape_measurement(measurement)
    for name, text in sorted(tags):
        if text:
            check_tag_key(name)
            check_tag_value(name, text)
            series += f",{escape_tag(name)}={escape_tag(text)}"
    texts = []
    for key, value, kind in fields:
        check_field_key(key)
        texts.append(f"{escape_field_key(key)}={_format_value(value, kind)}")
    if not texts:
        raise InvalidPointError("it has no field with a value")
    return UndatedLine(f"{series} {','.join(texts)}", series, time)


def _format_value(value: str | float | int | bool, kind: str) -> str:
    if kind == "str":
        return f'"{escape_string(str(value))}"'
    if kind == "bool":
        return "true" if value else "false"
    if kind == "float" and value - value != 0.0:  # type: ignore[operator]
        raise InvalidPointError(f"{value} is not a number that can be stored")
    return f"{value!r}{_SUFFIXES[kind]}"


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "its cells do not fit the columns"
