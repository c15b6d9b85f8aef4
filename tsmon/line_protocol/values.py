"""Values of tags and fields: which values each declared type accepts, and how they are written.

The fast encoders handle ordinary values themselves; the checked encoder uses these functions for all values. The
declared type is always kept: an int for a float column is written as a float; a float for an int column is refused.
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
    "encode_float",
    "format_field",
    "format_tag",
    "infer_field_type",
    "to_time_ns",
]

MAX_INT64: Final = 2**63 - 1
MIN_INT64: Final = -(2**63)
MAX_TIME_NS: Final = 9_223_372_036_854_775_806
"""Times are within ± this many nanoseconds of the epoch (``models.MaxNanoTime`` in the server)."""

NONFINITE: Final = ""
"""What :func:`format_field` returns for NaN and infinity; the field is left out."""

encode_float: Final = msgspec.json.Encoder().encode
"""Returns the shortest bytes that read back as the same finite float: the digits of ``repr``, five times faster."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_time_ns(time: object) -> int:
    """Convert integer nanoseconds, float seconds or an aware datetime to nanoseconds since the epoch.

    The exact binary value of a float is rounded to the nearest nanosecond, and a datetime is converted in integers;
    neither passes through a lossy product. A datetime without a time zone is refused, because its meaning would
    depend on the machine.
    """
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidPointError(
                f"time {time.isoformat()} has no time zone; give one, such as tzinfo=datetime.UTC"
            )
        delta = time - _EPOCH
        ns = ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
        # A pandas Timestamp is a datetime with three more digits.
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
            f"time {_abbreviate(ns)} ns is outside of ±{MAX_TIME_NS} ns, about the years 1677 to 2262"
        )
    return ns


def format_tag(where: str, value: object, declared: type | None = None) -> str:
    """Format a tag value (str, int, float, bool, or an Enum of str or int), not escaped; empty for None."""
    if value is None:
        return ""
    if type(value) is str and declared in (None, str):
        return value
    value = _unwrap_enum(value)
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
    raise _wrong_type(where, "str, int, float or bool", value)


def infer_field_type(where: str, value: object) -> type:
    """Return the type in line protocol of an undeclared field's value: str, int, float or bool."""
    if type(value) in _CONVERTERS:
        return type(value)
    value = _unwrap_enum(value)
    if isinstance(value, str):
        return str
    if _is_bool(value):
        return bool
    if isinstance(value, numbers.Integral):
        return int
    if isinstance(value, numbers.Real):
        return float
    raise _wrong_type(where, "str, int, float or bool", value)


def format_field(where: str, value: object, declared: type) -> str:
    """Format a field value for line protocol, or return :data:`NONFINITE`."""
    value = _CONVERTERS[declared](where, _unwrap_enum(value))
    if isinstance(value, str):
        return f'"{escape_string(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    return encode_float(value).decode() if math.isfinite(value) else NONFINITE


def _convert_str(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(where, "str", value)
    text = str.__str__(value)
    check_text(where, text)
    if len(text) > MAX_STRING_BYTES // 4 and len(text.encode()) > MAX_STRING_BYTES:
        raise InvalidPointError(f"{where} is longer than {MAX_STRING_BYTES} bytes, the server's limit; shorten it")
    return text


def _convert_bool(where: str, value: object) -> bool:
    if not _is_bool(value):
        raise _wrong_type(where, "bool", value)
    return bool(value)


def _convert_int(where: str, value: object) -> int:
    if type(value) is not int and (not isinstance(value, numbers.Integral) or _is_bool(value)):
        raise _wrong_type(where, "int", value)
    number = int(value)
    if not MIN_INT64 <= number <= MAX_INT64:
        raise InvalidPointError(
            f"{where} is {_abbreviate(number)}, outside of 64-bit integers; declare it float or str"
        )
    return number


def _convert_float(where: str, value: object) -> float:
    if type(value) is not float and (not isinstance(value, numbers.Real) or _is_bool(value)):
        raise _wrong_type(where, "float", value)
    try:
        return float(value)
    except OverflowError:
        raise InvalidPointError(f"{where} is too large for a float") from None


_CONVERTERS: Final[dict[type, Callable[[str, Any], str | int | float | bool]]] = {
    str: _convert_str,
    int: _convert_int,
    float: _convert_float,
    bool: _convert_bool,
}


def _unwrap_enum(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def _is_bool(value: object) -> bool:
    return isinstance(value, bool) or (
        type(value).__module__ == "numpy" and type(value).__name__.startswith("bool")
    )


def _wrong_type(where: str, expected: str, value: object) -> InvalidPointError:
    return InvalidPointError(f"{where} must be {expected}, not {type(value).__name__} ({_abbreviate(value)})")


def _abbreviate(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a broken __repr__, or an int of thousands of digits
        return "…"
    return text if len(text) <= 60 else text[:57] + "…"
