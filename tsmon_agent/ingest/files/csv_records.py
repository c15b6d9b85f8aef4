"""Rows of CSV in chunks: numbered, converted, and split into lines and bad rows."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final

from tsmon.errors import InvalidPointError
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

__all__ = ["Field", "build_line", "read_records"]

CHUNK_LINES: Final = 10_000

Field = tuple[str, str | float | int | bool, str]
"""Key, value, and its type in line protocol: ``float``, ``int``, ``uint``, ``bool`` or ``str``."""

_SUFFIXES: Final = {"float": "", "int": "i", "uint": "u"}


def read_records(
    file: BinaryIO, done: int, delimiter: str, convert: Callable[[list[str]], Iterable[str]]
) -> Iterator[Chunk]:
    """Convert records to lines by ``convert``; yields chunks of the records after line ``done``.

    Earlier records are converted too, since later ones may depend on them. A ValueError (or KeyError, IndexError)
    of ``convert`` makes the record a bad row.
    """
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    try:
        yield from _read_chunks(csv.reader(text, delimiter=delimiter), done, delimiter, convert)
    finally:
        # Otherwise the wrapper would close the file, which it does not own.
        text.detach()


def _read_chunks(
    reader: Any, done: int, delimiter: str, convert: Callable[[list[str]], Iterable[str]]
) -> Iterator[Chunk]:
    chunk = Chunk([], [], done, done + 1)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            cells, reason = [], str(error)
        else:
            reason = ""
        number, line = line, reader.line_num + 1
        if not reason:
            try:
                made = list(convert(cells))
            except (ValueError, KeyError, IndexError) as error:
                made, reason = [], _describe(error)
        if number > done:
            assert isinstance(chunk.numbers, list)
            if reason:
                chunk.bad.append(BadRow(number, reason, delimiter.join(cells)))
            else:
                chunk.lines += made
                chunk.numbers += [number] * len(made)
            chunk.position, chunk.line = reader.line_num, line
            if len(chunk.lines) + len(chunk.bad) >= CHUNK_LINES:
                yield chunk
                chunk = Chunk([], [], chunk.position, line)
    if chunk.lines or chunk.bad:
        yield chunk


def build_line(measurement: str, tags: Iterable[tuple[str, str]], fields: Iterable[Field], time_ns: int) -> str:
    """A line of line protocol; raises InvalidPointError for anything that cannot be stored."""
    if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
        raise InvalidPointError(f"its time is {time_ns} ns, out of range")
    check_measurement(measurement)
    head = escape_measurement(measurement)
    for name, text in sorted(tags):
        if text:
            check_tag_key(name)
            check_tag_value(name, text)
            head += f",{escape_tag(name)}={escape_tag(text)}"
    texts = []
    for key, value, kind in fields:
        check_field_key(key)
        texts.append(f"{escape_field_key(key)}={_format_value(value, kind)}")
    if not texts:
        raise InvalidPointError("it has no field with a value")
    return f"{head} {','.join(texts)} {time_ns}"


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
