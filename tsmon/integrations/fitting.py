"""Values of any kind, made fit to be stored: an integration never loses a record for one value of it.

Integrations record what they meet: paths that are no text, numbers beyond 64 bits, objects that cannot even be
printed. What has no place in line protocol is converted, what is too long is cut and marked with ``…``, and what
cannot be either is left out; each is counted.
"""

import math
import numbers
import re
import reprlib
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import MAX_STRING_BYTES, check_field_key, check_tag_key
from tsmon.line_protocol.plain_values import MISSING, to_plain
from tsmon.line_protocol.times import MIN_PLAIN_TIME_NS
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64
from tsmon.threads.locks import raise_interruption

__all__ = ["MAX_TAG", "Plain", "cut", "fit_declared", "fit_key", "fit_tag", "fit_time", "fit_value", "to_text"]

Plain: TypeAlias = str | int | float | bool

MARK: Final = "…"
"""Stands where a text was cut."""

MAX_TAG: Final = 1_024
"""Characters to which values of tags are cut; all tags of a point together have 64 KiB."""

MAX_KEY: Final = 256
"""Characters to which names are cut."""

_surrogates = re.compile("[\ud800-\udfff]")
_backslashes = re.compile(r"\\+(?= |\Z)")

_containers = reprlib.Repr()
_containers.maxlevel = 6
_containers.maxdict = _containers.maxlist = _containers.maxtuple = _containers.maxset = 100
_containers.maxfrozenset = _containers.maxdeque = _containers.maxarray = 100
_containers.maxstring = _containers.maxother = _containers.maxlong = 1_000


def to_text(value: object) -> str:
    """Return the text of anything, without lone surrogates, of at most one mebibyte; never raises."""
    try:
        return _cut_bytes(_replace_surrogates(_format(value)))
    except Exception as error:  # a broken __str__, or an int of thousands of digits
        raise_interruption(error)
        return f"<{type(value).__name__} that cannot be printed>"


def cut(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters; one that was longer ends with the mark."""
    return text if len(text) <= limit else text[: limit - len(MARK)] + MARK


def fit_tag(value: object, limit: int = MAX_TAG) -> str:
    """Return the value of a tag: printable, on one line, without a backslash where it cannot be written."""
    if type(value) is str and len(value) <= limit and value.isprintable() and "\\" not in value:
        return value
    plain = _to_plain(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    text = cut(to_text(plain), limit)
    if not text.isprintable():
        text = "".join(one if one.isprintable() else "�" for one in text)
    return _backslashes.sub("", text)


@lru_cache(maxsize=500)
def _fit_text_key(key: str) -> str:
    try:
        check_field_key(key)
        check_tag_key(key)
    except InvalidPointError:
        key = "".join(one if one.isprintable() and one != "\\" else "_" for one in key[:MAX_KEY]).lstrip("_")
        return f"{key or 'none'}_" if key in ("", "time") else key
    return key if len(key) <= MAX_KEY else key[:MAX_KEY]


def fit_key(key: object) -> str:
    """Return the name of a tag or field: a text that InfluxDB accepts."""
    return _fit_text_key(key if type(key) is str else to_text(key))


def fit_value(value: object) -> Plain | None:
    """Return the value of a field; None if it stands for no value, or nothing sensible can be written for it."""
    kind = type(value)
    if kind is float or kind is bool:
        return value  # type: ignore[return-value]
    if kind is int and MIN_INT64 <= value <= MAX_INT64:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    plain = _to_plain(value)
    if plain is None or isinstance(plain, bool | int | float):
        return plain
    cls: Any = type(plain)
    has_no_text = (cls.__repr__, cls.__str__) == (object.__repr__, object.__str__)
    return None if has_no_text else to_text(plain)


def fit_declared(value: object, declared: type, *, tag: bool = False) -> Plain | None:
    """Return the value of a column that is declared with this type; None if it cannot be converted without loss."""
    if tag and declared is str:
        return fit_tag(value)
    fitted = fit_value(value)
    if fitted is None or type(fitted) is declared:
        return fitted
    return convert(fitted, declared)


def convert(value: Plain, kind: type) -> Plain | None:
    """Return a plain value as one of another kind, if nothing of it is lost; else None."""
    if kind is str:
        return to_text(value)
    if isinstance(value, bool | str):
        return None
    if kind is float and (isinstance(value, float) or abs(value) <= 2**53):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    return None


def fit_time(time_ns: int) -> int | Decimal:
    """Return the time of a point: early in 1970, as on a machine whose clock is not set, an integer is refused."""
    return time_ns if time_ns >= MIN_PLAIN_TIME_NS else Decimal(time_ns).scaleb(-9)


def _to_plain(value: object) -> Any:
    """Return a bool, an int of 64 bits, a float, or what is yet to be written as a text; None for no value."""
    try:
        plain = to_plain(value)
        if plain is None or plain is MISSING:
            return None
        if isinstance(plain, bool):
            return plain
        if isinstance(plain, numbers.Integral):
            number = int(plain)
            return number if MIN_INT64 <= number <= MAX_INT64 else str(number)
        if isinstance(plain, float):
            return float(plain)
        if isinstance(plain, numbers.Real | Decimal):
            real = float(plain)
            # A Decimal or a Fraction beyond the range of floats keeps its digits.
            return real if math.isfinite(real) else str(plain)
    except Exception as error:
        raise_interruption(error)
        return to_text(value)
    return plain


def _format(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value[:MAX_STRING_BYTES]).decode(errors="backslashreplace")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple | set | frozenset) and type(value).__str__ is object.__str__:
        return _containers.repr(value)
    return str(value)


def _replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which file names and undecodable bytes contain."""
    return text if text.isascii() else _surrogates.sub("?", text)


def _cut_bytes(text: str) -> str:
    if len(text) <= MAX_STRING_BYTES // 4:
        return text
    data = text.encode()
    if len(data) <= MAX_STRING_BYTES:
        return text
    return data[: MAX_STRING_BYTES - len(MARK.encode())].decode(errors="ignore") + MARK
