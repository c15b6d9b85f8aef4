r"""Line protocol to points, as InfluxDB OSS 2.x reads it.

A character that would end a name does not end it behind a backslash, whatever stands before that backslash;
so ``a\\,b`` is the one token ``a\,b`` in measurements and tags. Newlines inside a quoted string belong to it,
and so does one behind a backslash, even in a name. Blank lines and lines that start with ``#`` are skipped.
A carriage return is an ordinary character: CRLF spoils the last token.

Stricter than the server where that stores something else than what was written: text after the closing quote
of a string (it becomes part of the string), a measurement with a backslash before a comma, space, ``=`` or
quote and a tag value that starts with ``=`` (no query finds the point), a field key that is empty or holds two
backslashes before a comma, space or ``=`` (it swallows the next field), and bytes that are not UTF-8.

Lines without quotes, backslashes and oddities take a short road (:data:`_plain_body`); whatever it does not
take goes through the grammar, so that both give the same points and the same errors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol.escaping import (
    RESERVED_TAG_KEYS,
    is_lost_measurement,
    unescape_field_key,
    unescape_key,
    unescape_measurement,
    unescape_string,
)
from tsmon.line_protocol.values import MAX_INT64, MAX_TIME_NS, MIN_INT64

__all__ = [
    "FieldValue",
    "ParsedPoint",
    "Unsigned",
    "head_end",
    "parse",
    "parse_body",
    "parse_head",
    "parse_line",
    "split_lines",
]


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
_quoted_line = re.compile(
    r"""
    (?: [^\\ \n]++ | \\. | \\\Z )*+                     # measurement and tags: quotes are ordinary
    (?:
        [ ] (?: [^\\=,\n]++ | \\. | \\\Z )*+            # a field key: still ordinary
        (?:
            = (?: [^\\",\n]++ | \\. | \\\Z | "(?:[^\\"]++|\\.|\\\Z)*+(?:"|\Z) )*+
            (?: , (?: [^\\=,\n]++ | \\. | \\\Z )*+ )?+
        )*+
        (?: , (?: [^\\\n]++ | \\. | \\\Z )*+ )?+        # a comma too many: never again a string
    )?+
    """,
    re.DOTALL | re.VERBOSE,
)

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
    if '"' not in text and "\\\n" not in text:
        for number, line in enumerate(text.split("\n"), 1):
            stripped = line.lstrip(" \t\x00")
            if stripped and not stripped.startswith("#"):
                yield number, stripped
        return
    number, position = 1, 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end]
        stripped = line.lstrip(" \t\x00")
        if stripped and not stripped.startswith("#"):
            yield number, stripped
        number += line.count("\n") + 1
        position = end + 1


def parse_line(line: str, number: int = 1) -> ParsedPoint:
    """Point of one line without its newline; raises :class:`LineProtocolError`."""
    measurement, tags = parse_head(line, number)
    fields, time_ns = parse_body(line, head_end(line), number)
    return ParsedPoint(measurement, tags, fields, time_ns)


def head_end(line: str) -> int:
    """Index of the space that ends measurement and tags, or the line's length where there is none."""
    end = line.find(" ")
    if end > 0 and line[end - 1] != "\\":
        return end
    match = _head_end.search(line)
    return match.start() if match else len(line)


def parse_head(line: str, number: int = 1) -> tuple[str, dict[str, str]]:
    """Measurement and tags of one line; raises :class:`LineProtocolError`."""
    match = _measurement.match(line)
    if match is None:
        raise LineProtocolError("the measurement is missing", line=number)
    measurement = unescape_measurement(match[0])
    if is_lost_measurement(measurement):
        raise LineProtocolError(
            f"measurement {measurement!r} has a backslash before ',', ' ', '=' or '\"', so no query finds it",
            line=number,
        )
    position = match.end()
    tags: dict[str, str] = {}
    while line.startswith(",", position):
        match = _tag.match(line, position)
        if match is None:
            raise LineProtocolError(f"a tag is not key=value at {_near(line, position)}", line=number)
        key = unescape_key(match[1])
        if key in RESERVED_TAG_KEYS:
            raise LineProtocolError(f"tag key {key!r} is reserved", line=number)
        if key in tags:
            raise LineProtocolError(f"tag {key!r} stands twice", line=number)
        tags[key] = unescape_key(match[2])
        position = match.end()
    if not line.startswith(" ", position):
        raise LineProtocolError(f"fields are missing after {_near(line, 0)}", line=number)
    return measurement, tags


def parse_body(line: str, position: int, number: int = 1) -> tuple[dict[str, FieldValue], int | None]:
    """Fields and time of one line, from the space that ends its head at ``position``.

    Raises :class:`LineProtocolError`.
    """
    match = _plain_body.match(line, position)
    if match is not None:
        plain_time_ns = int(match[2])
        plain = _plain_fields(match[1])
        if plain is not None and -MAX_TIME_NS <= plain_time_ns <= MAX_TIME_NS:
            return plain, plain_time_ns
    spaces = _spaces.match(line, position)
    assert spaces is not None  # the pattern matches the empty text
    position = spaces.end()
    fields: dict[str, FieldValue] = {}
    while True:
        match = _field.match(line, position)
        if match is None:
            raise LineProtocolError(f"a field is not key=value at {_near(line, position)}", line=number)
        key = unescape_field_key(match[1])
        fields[key] = _value(key, match[3], number) if match[2] is None else unescape_string(match[2])
        position = match.end()
        if not line.startswith(",", position):
            break
        position += 1
    return fields, _time_ns(line, position, number)


def _plain_fields(text: str) -> dict[str, FieldValue] | None:
    """Fields that are all ordinary numbers and booleans, else None; ``text`` is printable ASCII.

    In printable ASCII, ``float()`` takes more than line protocol does only with a leading plus, an underscore,
    or for NaN and infinity.
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


def _value(key: str, text: str, number: int) -> FieldValue:
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


def _time_ns(line: str, position: int, number: int) -> int | None:
    if position == len(line):
        return None
    match = _time.match(line, position)
    if match is None:
        raise LineProtocolError(f"the time is not an integer at {_near(line, position)}", line=number)
    if match[1] is None:
        return None
    time_ns = int(match[1])
    if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
        raise LineProtocolError(f"time {time_ns} ns is out of range", line=number)
    return time_ns


def _line_end(text: str, position: int) -> int:
    """Index of the newline that ends the line at ``position``, or the text's length."""
    end = text.find("\n", position)
    if end < 0:
        end = len(text)
    if text.find('"', position, end) < 0 and text[end - 1] != "\\":
        return end
    match = _quoted_line.match(text, position)
    assert match is not None  # the pattern matches the empty text
    return match.end()


def _near(line: str, position: int) -> str:
    excerpt = line[position : position + 40]
    return f"column {position + 1} ({excerpt!r})" if excerpt else f"column {position + 1} (the line's end)"
