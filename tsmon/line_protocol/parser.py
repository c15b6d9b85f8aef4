r"""Line protocol to points, as InfluxDB OSS 2.x reads it.

A delimiter directly after a backslash does not end a name, whatever precedes that backslash: in measurements and
tags ``a\\,b`` is the single token ``a\,b``. A carriage return is an ordinary character, so CRLF spoils the last
token.

The parser is stricter than the server where the server would store something other than what was written:

- text after the closing quote of a string (it would become part of the string);
- a measurement with a backslash before a comma, space, ``=`` or quote, and a tag value that starts with ``=`` (no
  query would find the point);
- a field key that is empty or has two backslashes before a comma, space or ``=`` (it would swallow the next field);
- bytes that are not UTF-8.

Ordinary lines without quotes and backslashes take a shortcut (:data:`_plain_body`). All others go through the
grammar. Both return the same points and the same errors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol.escaping import (
    RESERVED_TAG_KEYS,
    is_unfindable_measurement,
    unescape_field_key,
    unescape_key,
    unescape_measurement,
    unescape_string,
)
from tsmon.line_protocol.line_splitter import split_lines
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64

__all__ = [
    "FieldValue",
    "ParsedPoint",
    "Unsigned",
    "find_head_end",
    "parse",
    "parse_body",
    "parse_head",
    "parse_line",
]


class Unsigned(int):
    """Value of a field written with the suffix ``u``: a type of its own in InfluxDB."""

    __slots__ = ()


FieldValue = str | float | int | bool
"""Value of a field; its Python type is its type in line protocol (:class:`Unsigned` for ``u``)."""

MAX_UINT64: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class ParsedPoint:
    """One line, unescaped. ``time_ns`` is None if the line has no time."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, FieldValue]
    time_ns: int | None


_measurement = re.compile(r"[^, ](?:[^, ]|(?<=\\)[, ])*+")
_tag = re.compile(
    r",([^,= ](?:[^,= ]|(?<=\\)[,= ])*+)="
    r"([^,= ](?:[^,= ]|(?<=\\)[,= ])*+)(?=[, ]|\Z)"
)
_spaces = re.compile(r"[ \t\x00]*")
_field = re.compile(
    r"((?:[^\\,= ]|\\.)++)(?<!\\)="
    r'(?:"((?:[^"\\]|\\.)*+)"(?=[, ]|\Z)|([^", ][^, ]*))',
    re.DOTALL,
)
_number = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_integer = re.compile(r"-?[0-9]{1,4000}\Z")
_time = re.compile(r" [ \t\x00]*(?:(-?[0-9]{1,4000}) *)?\Z")
_head_end = re.compile(r"(?<!\\) ")
_plain_body = re.compile(r" ([!#-\[\]-~]+) (-?[0-9]{1,19})\Z")
_BOOLEANS: Final = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False),
}


def parse(data: bytes | str) -> Iterator[ParsedPoint]:
    """Yield the points of ``data``; raise :class:`LineProtocolError` with the number of the bad line."""
    for number, line in split_lines(data):
        yield parse_line(line, number)


def parse_line(line: str, number: int = 1) -> ParsedPoint:
    """Parse one line without its newline; raise :class:`LineProtocolError`."""
    measurement, tags = parse_head(line, number)
    fields, time_ns = parse_body(line, find_head_end(line), number)
    return ParsedPoint(measurement, tags, fields, time_ns)


def find_head_end(line: str) -> int:
    """Return the index of the space that ends measurement and tags, or the length of the line if there is none."""
    end = line.find(" ")
    if end > 0 and line[end - 1] != "\\":
        return end
    match = _head_end.search(line)
    return match.start() if match else len(line)


def parse_head(line: str, number: int = 1) -> tuple[str, dict[str, str]]:
    """Parse measurement and tags of one line; raise :class:`LineProtocolError`."""
    match = _measurement.match(line)
    if match is None:
        raise LineProtocolError("the measurement is missing", line=number)
    measurement = unescape_measurement(match[0])
    if is_unfindable_measurement(measurement):
        raise LineProtocolError(
            f"measurement {measurement!r} has a backslash before ',', ' ', '=' or '\"', so no query finds it",
            line=number,
        )
    position = match.end()
    tags: dict[str, str] = {}
    while line.startswith(",", position):
        match = _tag.match(line, position)
        if match is None:
            raise LineProtocolError(f"a tag is not key=value at {_describe_place(line, position)}", line=number)
        key = unescape_key(match[1])
        if key in RESERVED_TAG_KEYS:
            raise LineProtocolError(f"tag key {key!r} is reserved", line=number)
        if key in tags:
            raise LineProtocolError(f"tag {key!r} occurs twice", line=number)
        tags[key] = unescape_key(match[2])
        position = match.end()
    if not line.startswith(" ", position):
        raise LineProtocolError(f"fields are missing after {_describe_place(line, 0)}", line=number)
    return measurement, tags


def parse_body(line: str, position: int, number: int = 1) -> tuple[dict[str, FieldValue], int | None]:
    """Parse fields and time of one line, from the space at ``position`` that ends its head.

    Raises :class:`LineProtocolError`.
    """
    match = _plain_body.match(line, position)
    if match is not None:
        plain_time_ns = int(match[2])
        plain = _parse_plain_fields(match[1])
        if plain is not None and -MAX_TIME_NS <= plain_time_ns <= MAX_TIME_NS:
            return plain, plain_time_ns
    spaces = _spaces.match(line, position)
    assert spaces is not None  # the pattern matches the empty text
    position = spaces.end()
    fields: dict[str, FieldValue] = {}
    while True:
        match = _field.match(line, position)
        if match is None:
            raise LineProtocolError(f"a field is not key=value at {_describe_place(line, position)}", line=number)
        key = unescape_field_key(match[1])
        fields[key] = _parse_value(key, match[3], number) if match[2] is None else unescape_string(match[2])
        position = match.end()
        if not line.startswith(",", position):
            break
        position += 1
    return fields, _parse_time_ns(line, position, number)


def _parse_plain_fields(text: str) -> dict[str, FieldValue] | None:
    """Parse fields that are all ordinary numbers and booleans, else return None; ``text`` is printable ASCII.

    In printable ASCII, ``float()`` accepts more than line protocol only in three cases: a leading plus, an
    underscore, and NaN or infinity.
    """
    fields: dict[str, FieldValue] = {}
    for pair in text.split(","):
        key, _, value = pair.partition("=")
        if not key or not value:
            return None
        if value[-1] == "i":
            digits = value[:-1]
            if len(digits) > 18 or not digits.removeprefix("-").isdigit():
                return None
            fields[key] = int(digits)
        elif value in _BOOLEANS:
            fields[key] = _BOOLEANS[value]
        else:
            try:
                number = float(value)
            except ValueError:
                return None
            if value[0] == "+" or "_" in value or number - number != 0.0:
                return None
            fields[key] = number
    return fields


def _parse_value(key: str, text: str, number: int) -> FieldValue:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[-1] in "iu" and _integer.match(text[:-1]):
        value = int(text[:-1])
        low, high = (MIN_INT64, MAX_INT64) if text[-1] == "i" else (0, MAX_UINT64)
        if not low <= value <= high or (text[0] == "-" and text[-1] == "u"):
            raise LineProtocolError(f"field {key!r} is {text}, out of 64-bit range", line=number)
        return value if text[-1] == "i" else Unsigned(value)
    if _number.match(text):
        value_float = float(text)
        if value_float - value_float == 0.0:
            return value_float
    raise LineProtocolError(f"field {key!r} has the invalid value {text[:60]!r}", line=number)


def _parse_time_ns(line: str, position: int, number: int) -> int | None:
    if position == len(line):
        return None
    match = _time.match(line, position)
    if match is None:
        raise LineProtocolError(f"the time is not an integer at {_describe_place(line, position)}", line=number)
    if match[1] is None:
        return None
    time_ns = int(match[1])
    if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
        raise LineProtocolError(f"time {time_ns} ns is out of range", line=number)
    return time_ns


def _describe_place(line: str, position: int) -> str:
    excerpt = line[position : position + 40]
    return f"column {position + 1} ({excerpt!r})" if excerpt else f"column {position + 1} (the line's end)"
