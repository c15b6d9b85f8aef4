"""One time of any kind, converted to integer nanoseconds."""

import numbers
import re
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tsmon.availability.time_format import parse_time
from tsmon.availability.times.units import Units, shorten
from tsmon.errors import AvailabilityError, InvalidPointError
from tsmon.line_protocol.plain_values import MISSING, NumPyScalar, to_plain
from tsmon.line_protocol.times import to_time_ns

__all__ = ["AnyTime", "to_end_argument_ns", "to_time_argument_ns", "to_time_or_none"]

AnyTime: TypeAlias = datetime | date | str | float | int | Decimal | NumPyScalar
"""A datetime, a date, a text such as ``2024-05-01T12:30:00Z``, or a number; without a zone it is UTC. Timestamps
and periods of pandas (these mean their beginning), ``datetime64`` of NumPy and scalars of Arrow are times too."""

_NANOSECONDS: Final = Units("ns", "s", is_named=True)
_SECONDS: Final = Units("ns", "s", remedy="give a datetime, or integer nanoseconds")
_digits_lost: Final = re.compile(r"[.,]\d{7}", re.ASCII)
"""Python reads only six decimals, and drops the others silently."""

_NO_TEXT: Final = ("", "nat")
_REMEDY: Final = "give a date, a text such as 2024-05-01T12:30:00Z, or a number"


def to_time_argument_ns(time: object, place: str, units: Units | None = None) -> int:
    """Nanoseconds of an argument named ``place``, which must not be missing.

    Without ``units`` the name says that integers are nanoseconds, as that of ``start_ns`` does, so any integer is a
    time. Raises :class:`~tsmon.errors.AvailabilityError` that begins with the place.
    """
    time = _take_element(time)
    if units is None:
        units = _NANOSECONDS if isinstance(time, numbers.Integral) else _SECONDS
    try:
        time_ns = to_time_or_none(time, units)
    except AvailabilityError as error:
        raise AvailabilityError(f"{place}: {error}") from None
    if time_ns is None:
        raise AvailabilityError(f"{place}: the time is missing ({shorten(time)}); give one")
    return time_ns


def to_end_argument_ns(time: object, place: str, units: Units | None = None) -> int | None:
    """As :func:`to_time_argument_ns`, but a missing time (None, NaT, an empty text) is none."""
    if _is_missing(time) or (isinstance(time, str | bytes) and not time.strip()):
        return None
    return to_time_argument_ns(time, place, units)


def to_time_or_none(time: Any, units: Units) -> int | None:
    """Nanoseconds of a time of any kind, None for one that is missing (None, NaT, NA, NaN, masked).

    Raises :class:`~tsmon.errors.AvailabilityError` for anything else.
    """
    time = _take_element(time)
    package, kind = type(time).__module__.partition(".")[0], type(time).__name__
    if package == "numpy" and kind in ("float32", "float16"):
        raise_for_narrow_floats(kind)
    if package == "pyarrow" and hasattr(time, "as_py"):
        if time.is_valid and sys.modules["pyarrow"].types.is_timestamp(time.type):
            return Units.of(time.type.unit).convert(time.value)  # its own datetime of nanoseconds needs pandas
        time = time.as_py()
    elif package == "pandas" and kind == "Period":
        time = time.start_time
    elif package == "numpy" and kind == "datetime64" and time.dtype.str[-4:] in ("[ps]", "[fs]", "[as]"):
        raise_for_fine_dates(time)
    time = to_plain(time)
    if time is None or time is MISSING:
        return None
    if isinstance(time, bytes):
        time = time.decode("ascii", "backslashreplace")
    if isinstance(time, str):
        return _parse(time, units)
    if isinstance(time, bool) or (
        isinstance(time, numbers.Number) and not isinstance(time, numbers.Real | Decimal)
    ):
        raise AvailabilityError(f"time is {time}; {_REMEDY}")
    if isinstance(time, numbers.Real | Decimal):
        return None if time != time else units.convert(time)
    if isinstance(time, timedelta):
        raise AvailabilityError(f"{time} is a duration; give times")
    if not isinstance(time, date) and kind != "datetime64":
        raise AvailabilityError(f"time is of type {kind}; {_REMEDY}")
    try:
        return to_time_ns(_place_in_utc(time))
    except InvalidPointError as error:
        raise AvailabilityError(str(error)) from None


def _take_element(time: Any) -> Any:
    """The element of an array without dimensions, such as ``dataset.time[0]`` of xarray; anything else itself."""
    if getattr(time, "ndim", None) != 0:
        return time
    if hasattr(time, "to_numpy"):
        time = time.to_numpy()
    numpy = sys.modules.get("numpy")
    return time[()] if numpy is not None and isinstance(time, numpy.ndarray) else time


def _is_missing(time: Any) -> bool:
    if type(time).__module__.partition(".")[0] == "pyarrow" and hasattr(time, "is_valid"):
        return not time.is_valid
    plain = to_plain(_take_element(time))
    return plain is None or plain is MISSING or (isinstance(plain, float) and plain != plain)


def raise_for_narrow_floats(kind: str) -> None:
    """Refuse floats of less than 64 bits, which hold times since 1970 to minutes only."""
    raise AvailabilityError(
        f"the times are {kind}, which holds times of today only to a minute or two; "
        "read them as float64, integers or dates"
    )


def raise_for_fine_dates(time: Any) -> None:
    """Refuse what is finer than nanoseconds."""
    if time.astype("datetime64[ns]") != time and str(time) != "NaT":
        raise AvailabilityError(f"{time} is finer than nanoseconds; round it")


def _place_in_utc(time: Any) -> Any:
    if isinstance(time, datetime):
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time
    if isinstance(time, date):
        return datetime(time.year, time.month, time.day, tzinfo=UTC)
    return time


def _parse(text: str, units: Units) -> int | None:
    text = text.strip()
    if text.lower() in _NO_TEXT:
        return None
    try:
        number = Decimal(text) if text.lstrip("+-").replace(".", "", 1).isdecimal() else None
    except ArithmeticError:
        number = None
    if number is not None:
        return units.convert(number)
    try:
        return parse_time(text)
    except AvailabilityError:
        if _digits_lost.search(text):
            raise
        try:
            moment = datetime.fromisoformat(text)  # the rarer forms of ISO 8601, such as 20240501T120000+02
        except ValueError:
            moment = None
        if moment is None:
            raise
        return to_time_or_none(moment, units)
