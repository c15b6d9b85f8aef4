r"""Line protocol to points, as InfluxDB OSS 2.x reads it.

A character that would end a name does not end it behind a backslash, whatever stands before that backslash;
so ``a\\,b`` is the one token ``a\,b``. Newlines inside a quoted string belong to it. Blank lines and lines
that start with ``#`` are skipped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol.escaping import unescape_key, unescape_measurement, unescape_string
from tsmon.line_protocol.values import MAX_INT64, MAX_TIME_NS, MIN_INT64

__all__ = ["FieldValue", "ParsedPoint", "Unsigned", "parse", "parse_line", "split_lines"]


class Unsigned(int):
    """Value of a field written with the suffix ``u``: a type of its own in InfluxDB."""

    __slots__ = ()


FieldValue = str | float | int | bool
"""A field's value; its Python type is its type in line protocol (:class:`Unsigned` for ``u``)."""

MAX_UINT64: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class ParsedPoint:
    """One line, unescaped. ``time_ns`` is None where the line gives none."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, FieldValue]
    time_ns: int | None


_measurement = re.compile(r"(?:[^, \n]|(?<=\\)[, ])+")
_tag = re.compile(r",((?:[^,= \n]|(?<=\\)[,= ])+)=((?:[^,= \n]|(?<=\\)[,= ])+)")
_field = re.compile(
    r"((?:[^,= \n]|(?<=\\)[,= ])+)="
    r'(?:"((?:\\["\\]|\\(?!["\\])|[^"\\])*)"|([^",= \n\r][^, \n\r]*))'
)
_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_integer = re.compile(r"-?[0-9]+\Z")
_time = re.compile(r"-?[0-9]+")

_BOOLEANS: Final = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False),
}


def parse(data: bytes | str) -> Iterator[ParsedPoint]:
    """Points of ``data``, one a line; raises :class:`LineProtocolError` with the number of the bad line."""
    for number, line in split_lines(data):
        yield parse_line(line, number)


def split_lines(data: bytes | str) -> Iterator[tuple[int, str]]:
    """(number, line) for each line that holds a point; newlines inside strings do not split."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise LineProtocolError(f"byte {error.object[error.start]:#04x} is not UTF-8", line=number) from None
    number, position = 1, 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip(" \t\r\x00")
        if stripped and not stripped.startswith("#"):
            yield number, stripped
        number += line.count("\n") + 1
        position = end + 1


def parse_line(line: str, number: int = 1) -> ParsedPoint:
    """Point of one line without its newline; raises :class:`LineProtocolError`."""
    match = _measurement.match(line)
    if match is None:
        raise LineProtocolError("the measurement is missing", line=number)
    measurement = unescape_measurement(match[0])
    position = match.end()
    tags: dict[str, str] = {}
    while line.startswith(",", position):
        match = _tag.match(line, position)
        if match is None:
            raise LineProtocolError(f"a tag is not key=value at {_near(line, position)}", line=number)
        key = unescape_key(match[1])
        if key in tags:
            raise LineProtocolError(f"tag {key!r} stands twice", line=number)
        tags[key] = unescape_key(match[2])
        position = match.end()
    start = position
    while line.startswith(" ", position):
        position += 1
    if position == start:
        raise LineProtocolError(f"fields are missing after {_near(line, 0)}", line=number)
    fields: dict[str, FieldValue] = {}
    while True:
        match = _field.match(line, position)
        if match is None:
            raise LineProtocolError(f"a field is not key=value at {_near(line, position)}", line=number)
        key = unescape_key(match[1])
        fields[key] = _value(key, match[3], number) if match[2] is None else unescape_string(match[2])
        position = match.end()
        if not line.startswith(",", position):
            break
        position += 1
    return ParsedPoint(measurement, tags, fields, _time_ns(line, position, number))


def _value(key: str, text: str, number: int) -> FieldValue:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[-1] in "iu" and _integer.match(text[:-1]):
        value = int(text[:-1])
        low, high = (MIN_INT64, MAX_INT64) if text[-1] == "i" else (0, MAX_UINT64)
        if not low <= value <= high:
            raise LineProtocolError(f"field {key!r} is {text}, out of 64-bit range", line=number)
        return value if text[-1] == "i" else Unsigned(value)
    if _number.match(text):
        value_float = float(text)
        if value_float - value_float == 0.0:
            return value_float
    raise LineProtocolError(f"field {key!r} has the invalid value {text[:60]!r}", line=number)


def _time_ns(line: str, position: int, number: int) -> int | None:
    rest = line[position:].strip(" \t\r\x00")
    if not rest:
        return None
    if not line.startswith(" ", position) or not (match := _time.fullmatch(rest)):
        raise LineProtocolError(f"the time is not an integer at {_near(line, position)}", line=number)
    time_ns = int(match[0])
    if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
        raise LineProtocolError(f"time {time_ns} ns is out of range", line=number)
    return time_ns


def _line_end(text: str, position: int) -> int:
    """Index of the newline that ends the line at ``position``, or the text's length."""
    end = text.find("\n", position)
    if end < 0:
        end = len(text)
    if text.find('"', position, end) < 0:
        return end
    return _quoted_line_end(text, position)


def _quoted_line_end(text: str, position: int) -> int:
    quoted = fields = False
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            position += 2
            continue
        if char == "\n" and not quoted:
            return position
        if char == " " and not quoted:
            fields = True
        elif char == '"' and fields:
            quoted = not quoted
        position += 1
    return position


def _near(line: str, position: int) -> str:
    excerpt = line[position : position + 40]
    return f"column {position + 1} ({excerpt!r})" if excerpt else f"column {position + 1} (the line's end)"
