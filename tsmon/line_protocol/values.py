"""Values of tags and fields: what is accepted for each declared type, and how it is written.

These are the careful forms; the generated encoders handle ordinary values themselves and come here for the
rest. A declared type is always kept: an int given for a float is written as a float, never the reverse.
"""

import enum
import math
import numbers
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import MAX_STRING_BYTES, check_text, escape_string

__all__ = [
    "MAX_INT64",
    "MAX_TIME_NS",
    "MIN_INT64",
    "NONFINITE",
    "field_text",
    "field_type",
    "float_json",
    "tag_text",
    "time_ns_of",
]

MAX_INT64: Final = 2**63 - 1
MIN_INT64: Final = -(2**63)
MAX_TIME_NS: Final = 9_223_372_036_854_775_806
"""Times lie within ± this many nanoseconds of the epoch (models.MaxNanoTime is its like in the server)."""

NONFINITE: Final = ""
"""What :func:`field_text` returns for NaN and infinity: the field is left out."""

float_json: Final = msgspec.json.Encoder().encode
"""Shortest text (as bytes) that reads back as the same finite float: ``repr``'s digits at a fifth of the cost."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def time_ns_of(time: object) -> int:
    """Nanoseconds since the epoch from integer nanoseconds, float seconds or an aware datetime.

    A float is taken at its exact binary value and rounded to the nearest nanosecond, a datetime is converted
    in integers; neither passes through a lossy product. A datetime without a zone is refused: its meaning
    would depend on the machine.
    """
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidPointError(
                f"time {time.isoformat()} has no time zone; give one, such as tzinfo=datetime.UTC"
            )
        delta = time - _EPOCH
        ns = ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
        # pandas' Timestamp, a datetime, has three digits more.
        ns += getattr(time, "nanosecond", 0)
    elif isinstance(time, bool):
        raise InvalidPointError(f"time is {time}; give integer nanoseconds, float seconds or a datetime")
    elif isinstance(time, numbers.Integral):
        ns = int(time)
    elif isinstance(time, numbers.Real):
        seconds = float(time)
        if not math.isfinite(seconds):
            raise InvalidPointError(f"time is {seconds}; give a finite number of seconds")
        whole = math.floor(seconds)
        ns = whole * 1_000_000_000 + round((seconds - whole) * 1_000_000_000)
    else:
        raise InvalidPointError(
            f"time is of type {type(time).__name__}; give integer nanoseconds, float seconds or a datetime"
        )
    if not -MAX_TIME_NS <= ns <= MAX_TIME_NS:
        raise InvalidPointError(
            f"time {_shown(ns)} ns is outside of ±{MAX_TIME_NS} ns, about the years 1677 to 2262"
        )
    return ns


def tag_text(where: str, value: object, declared: type | None = None) -> str:
    """Text of a tag value (str, int, float, bool, or an Enum of str or int), not escaped; empty for none."""
    if value is None:
        return ""
    if type(value) is str and declared in (None, str):
        return value
    value = _plain(value)
    if declared is not None:
        value = _CONVERTERS[declared](where, value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, numbers.Integral)):
        try:
            return int.__repr__(int(value))
        except ValueError:
            raise InvalidPointError(f"{where} is an integer of thousands of digits; shorten it") from None
    if isinstance(value, numbers.Real):
        number = float(value)
        if not math.isfinite(number):
            raise InvalidPointError(f"{where} is {number}; a tag needs a finite number")
        return float.__repr__(number)
    raise _wrong(where, "str, int, float or bool", value)


def field_type(where: str, value: object) -> type:
    """Line-protocol type of an undeclared field's value: str, int, float or bool."""
    if type(value) in _CONVERTERS:
        return type(value)
    value = _plain(value)
    if isinstance(value, str):
        return str
    if _is_bool(value):
        return bool
    if isinstance(value, numbers.Integral):
        return int
    if isinstance(value, numbers.Real):
        return float
    raise _wrong(where, "str, int, float or bool", value)


def field_text(where: str, value: object, declared: type) -> str:
    """Text of a field value as line protocol writes it, or :data:`NONFINITE`."""
    value = _CONVERTERS[declared](where, _plain(value))
    if isinstance(value, str):
        return f'"{escape_string(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    return float_json(value).decode() if math.isfinite(value) else NONFINITE


def _str(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "str", value)
    text = str.__str__(value)
    check_text(where, text)
    if len(text) > MAX_STRING_BYTES // 4 and len(text.encode()) > MAX_STRING_BYTES:
        raise InvalidPointError(f"{where} is longer than {MAX_STRING_BYTES} bytes, the server's limit; shorten it")
    return text


def _bool(where: str, value: object) -> bool:
    if not _is_bool(value):
        raise _wrong(where, "bool", value)
    return bool(value)


def _int(where: str, value: object) -> int:
    if type(value) is not int and (not isinstance(value, numbers.Integral) or _is_bool(value)):
        raise _wrong(where, "int", value)
    number = int(value)
    if not MIN_INT64 <= number <= MAX_INT64:
        raise InvalidPointError(f"{where} is {_shown(number)}, outside of 64-bit integers; declare it float or str")
    return number


def _float(where: str, value: object) -> float:
    if type(value) is not float and (not isinstance(value, numbers.Real) or _is_bool(value)):
        raise _wrong(where, "float", value)
    try:
        return float(value)
    except OverflowError:
        raise InvalidPointError(f"{where} is too large for a float") from None


_CONVERTERS: Final[dict[type, Callable[[str, Any], str | int | float | bool]]] = {
    str: _str,
    int: _int,
    float: _float,
    bool: _bool,
}


def _plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or (
        type(value).__module__ == "numpy" and type(value).__name__.startswith("bool")
    )


def _wrong(where: str, expected: str, value: object) -> InvalidPointError:
    return InvalidPointError(f"{where} must be {expected}, not {type(value).__name__} ({_shown(value)})")


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # a broken __repr__, or an int of thousands of digits
        return "…"
    return shown if len(shown) <= 60 else shown[:57] + "…"
