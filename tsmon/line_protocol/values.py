"""Values of tags and fields: which values each declared type accepts, and how they are written.

The fast encoders handle ordinary values themselves; the checked encoder uses these functions for all values. The
declared type is always kept: an int for a float column is written as a float; a float for an int column is refused.
"""

import math
import numbers
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import MAX_STRING_BYTES, check_text, escape_string
from tsmon.line_protocol.plain_values import MISSING, to_plain
from tsmon.threads.locks import raise_interruption

__all__ = [
    "MAX_INT64",
    "MIN_INT64",
    "NONFINITE",
    "abbreviate",
    "encode_float",
    "format_field",
    "format_tag",
    "infer_field_type",
]

MAX_INT64: Final = 2**63 - 1
MIN_INT64: Final = -(2**63)

NONFINITE: Final = ""
"""What :func:`format_field` returns for NaN, infinity and missing values; the field is left out."""

encode_float: Final = msgspec.json.Encoder().encode
"""Returns the shortest bytes that read back as the same finite float: the digits of ``repr``, five times faster."""


def format_tag(where: str, value: object, declared: type | None = None) -> str:
    """Format a tag value (str, int, float, bool, or an Enum), not escaped; empty for a missing one."""
    if value is None:
        return ""
    if type(value) is str and declared in (None, str):
        return value
    value = to_plain(value)
    if value is MISSING or value is None:
        return ""
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
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return format(value, ".0f")
    if isinstance(value, numbers.Real | Decimal):
        try:
            number = float(value)
        except OverflowError:  # a fraction of hundreds of digits
            number = math.inf
        if not math.isfinite(number):
            raise InvalidPointError(f"{where} is {number}; a tag needs a finite number")
        return float.__repr__(number)
    raise _wrong_type(where, "str, int, float or bool", value)


def infer_field_type(where: str, value: object) -> type:
    """Return the type in line protocol of an undeclared field's value: str, int, float or bool."""
    if type(value) in _CONVERTERS:
        return type(value)
    value = to_plain(value)
    if value is MISSING or value is None:
        return float
    if isinstance(value, str):
        return str
    if isinstance(value, bool):
        return bool
    if isinstance(value, numbers.Integral):
        return int
    if isinstance(value, numbers.Real | Decimal):
        return float
    raise _wrong_type(where, "str, int, float or bool", value)


def format_field(where: str, value: object, declared: type) -> str:
    """Format a field value for line protocol, or return :data:`NONFINITE`."""
    value = to_plain(value)
    if value is MISSING or value is None or (type(value) is float and value != value):
        return NONFINITE
    value = _CONVERTERS[declared](where, value)
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
    if not isinstance(value, bool):
        raise _wrong_type(where, "bool", value)
    return value


def _convert_int(where: str, value: object) -> int:
    if type(value) is not int and (not isinstance(value, numbers.Integral) or _is_bool(value)):
        raise _wrong_type(where, "int", value)
    number = int(value)
    if not MIN_INT64 <= number <= MAX_INT64:
        raise InvalidPointError(
            f"{where} is {abbreviate(number)}, outside of 64-bit integers; declare it float or str"
        )
    return number


def _convert_float(where: str, value: object) -> float:
    if type(value) is not float and (not isinstance(value, numbers.Real | Decimal) or _is_bool(value)):
        raise _wrong_type(where, "float", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number) and type(value) is not float and value not in (math.inf, -math.inf):
        raise InvalidPointError(f"{where} is too large for a float")
    return number


_CONVERTERS: Final[dict[type, Callable[[str, Any], str | int | float | bool]]] = {
    str: _convert_str,
    int: _convert_int,
    float: _convert_float,
    bool: _convert_bool,
}


def _is_bool(value: object) -> bool:
    """Whether it is a bool, which the abstract classes of numbers include."""
    return isinstance(value, bool)


def _wrong_type(where: str, expected: str, value: object) -> InvalidPointError:
    return InvalidPointError(f"{where} must be {expected}, not {type(value).__name__} ({abbreviate(value)})")


def abbreviate(value: object, if_unprintable: str = "…") -> str:
    """Return the beginning of the ``repr`` of anything, for a message."""
    try:
        text = repr(value)
    except Exception as error:  # a broken __repr__, or an int of thousands of digits
        raise_interruption(error)
        return if_unprintable
    return text if len(text) <= 60 else text[:57] + "…"
