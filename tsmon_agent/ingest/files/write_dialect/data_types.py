"""Texts of cells to values of fields, by data type and format, as ``influx write`` reads them.

Where it would store something else than what the cell says, such as 12 for the long ``12.5``, there is an error.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tsmon.errors import LineProtocolError
from tsmon.line_protocol import Unsigned, parse_line

__all__ = ["Converter", "build_converter", "describe_type"]

Converter = Callable[[str], tuple[str | float | int | bool, str]]
"""Gives a value and its type in line protocol; raises ValueError, without a text, if the cell does not fit."""

DEFAULT_NUMBER_FORMAT: Final = ". \n\t\r_"
"""The decimal sign, and characters that group digits."""

_KINDS: Final = {bool: "bool", int: "int", float: "float", str: "str", Unsigned: "uint"}
_integer: Final = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_float: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_duration_part: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def build_converter(type_: str, form: str) -> Converter:
    """The converter of a data type with a format, which may be empty; raises ValueError with the reason."""
    if type_ in ("long", "unsignedLong"):
        is_strict = form.startswith("strict")
        return _integers(type_, form.removeprefix("strict") or DEFAULT_NUMBER_FORMAT, is_strict=is_strict)
    if type_ == "double":
        return _floats(form or DEFAULT_NUMBER_FORMAT)
    if type_ == "boolean":
        return _listed_booleans(form) if form else _parse_boolean
    simple = {"": _parse_as_written, "string": _keep, "duration": _parse_duration}
    if type_ in simple:
        return simple[type_]
    if type_ == "base64Binary":
        raise ValueError("base64Binary is no type of a field; write ignored, or string to store the text")
    raise ValueError(
        f"{type_} is not a data type; choose from measurement, tag, field, string, double, long, unsignedLong, "
        "boolean, duration, dateTime and ignored"
    )


def describe_type(type_: str, form: str) -> str:
    """How a type with its format is named in messages."""
    if not type_:
        return 'a value as line protocol has it, such as 1.5, 2i, true or "text"'
    return f"of type {type_}:{form}" if form else f"of type {type_}"


def _keep(text: str) -> tuple[str, str]:
    return text.replace("\r\n", "\n"), "str"


def _floats(form: str) -> Converter:
    def convert(text: str) -> tuple[float, str]:
        plain = _normalize(text, form)
        if not _float.fullmatch(plain):
            raise ValueError
        return float(plain), "float"

    return convert


def _integers(type_: str, form: str, *, is_strict: bool) -> Converter:
    low, high, kind = (0, 2**64, "uint") if type_ == "unsignedLong" else (-(2**63), 2**63, "int")

    def convert(text: str) -> tuple[int, str]:
        whole, point, fraction = _normalize(text, form).partition(".")
        if not _integer.fullmatch(whole) or (point and (is_strict or fraction.strip("0"))):
            raise ValueError
        number = int(whole)
        if not low <= number < high:
            raise ValueError
        return number, kind

    return convert


def _normalize(text: str, form: str) -> str:
    """A number with a point, and without the characters that group its digits."""
    return "".join("." if one == form[0] else one for one in text if one not in form[1:])


def _parse_boolean(text: str) -> tuple[bool, str]:
    if text[0] in "tTyY1":
        return True, "bool"
    if text[0] in "fFnN0":
        return False, "bool"
    raise ValueError


def _listed_booleans(form: str) -> Converter:
    true, colon, false = form.partition(":")
    if not colon:
        raise ValueError(f"boolean:{form} does not list what is false; write a type such as boolean:yes,y:no,n")
    truths, falsehoods = (part.split(",") if part else [] for part in (true, false))

    def convert(text: str) -> tuple[bool, str]:
        if text in falsehoods:
            return False, "bool"
        if text in truths:
            return True, "bool"
        # A list that is empty stands for all other values.
        if not falsehoods:
            return False, "bool"
        if not truths:
            return True, "bool"
        raise ValueError

    return convert


def _parse_duration(text: str) -> tuple[int, str]:
    """Nanoseconds, as an integer."""
    sign, rest = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    parts = _duration_part.findall(rest)
    if rest != "0" and (not parts or "".join(number + unit for number, unit in parts) != rest):
        raise ValueError
    total = int(sum(Decimal(number) * _UNITS_NS[unit] for number, unit in parts))
    if total >= 2**63:
        raise ValueError
    return -total if sign == "-" else total, "int"


def _parse_as_written(text: str) -> tuple[str | float | int | bool, str]:
    try:
        point = parse_line(f"m v={text}")
    except LineProtocolError:
        raise ValueError from None
    if list(point.fields) != ["v"] or point.time_ns is not None:
        raise ValueError
    value = point.fields["v"]
    return value, _KINDS[type(value)]
