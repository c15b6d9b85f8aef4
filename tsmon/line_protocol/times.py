"""Times of points: which values are accepted, and how they become nanoseconds since the epoch."""

import math
import numbers
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.plain_values import MISSING, to_plain
from tsmon.threads.locks import raise_interruption
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

__all__ = ["MAX_TIME_NS", "MIN_PLAIN_TIME_NS", "to_point_time_ns", "to_time_ns"]

MAX_TIME_NS: Final = 9_223_372_036_854_775_806
"""Times are within ± this many nanoseconds of the epoch (``models.MaxNanoTime`` in the server)."""

_RECENT_S: Final = (100_000_000, 4_102_444_800)
"""Seconds from 1973 to 2100: an integer that is such a time in another unit was meant in that unit."""

MIN_PLAIN_TIME_NS: Final = _RECENT_S[1] * 1_000_000 + 1
"""Integers from here on cannot be mistaken for seconds, milliseconds or microseconds of a recent time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND: Final = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_NUMPY_UNITS_NS: Final = {
    "W": 7 * DAY_NS,
    "D": DAY_NS,
    "h": HOUR_NS,
    "m": MINUTE_NS,
    "s": SECOND_NS,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_NUMPY_UNITS_PER_NS: Final = {"ps": 10**3, "fs": 10**6, "as": 10**9}
_NUMPY_UNITS_MONTHS: Final = {"Y": 12, "M": 1}
_MAX_MONTHS: Final = 12 * 300
"""More than what is accepted, and far from NumPy's own bounds."""
_numpy_unit: Final = re.compile(r"\[(\d*)(\w+)\]")


def to_point_time_ns(time: object) -> int:
    """Convert the time of a point as :func:`to_time_ns` does, but refuse a number in an obviously wrong unit.

    An integer is nanoseconds, so ``int(time.time())`` would be a second after the epoch. An integer that is a time
    from 1973 to 2100 in seconds, milliseconds or microseconds is therefore refused, and so is a float that is one
    in anything but seconds. A datetime is never in doubt: it can give every time of 1970.
    """
    plain = to_plain(time)
    if plain is MISSING:
        raise InvalidPointError("time is missing (NaT or NA); give a time, or None for the time of emitting")
    if isinstance(plain, numbers.Real | Decimal):
        _check_unit(plain)
    return to_time_ns(plain)


def to_time_ns(time: object) -> int:
    """Convert integer nanoseconds, float seconds or an aware datetime to nanoseconds since the epoch.

    The exact binary value of a float is rounded to the nearest nanosecond, and a datetime is converted in integers;
    neither passes through a lossy product. A datetime without a time zone is refused, because its meaning would
    depend on the machine. NumPy's ``datetime64`` has none by definition; it is UTC.
    """
    time = to_plain(time)
    if time is MISSING:
        raise InvalidPointError("time is missing (NaT or NA); give a time")
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidPointError(
                f"time {time.isoformat()} has no time zone; give one, such as tzinfo=datetime.UTC"
            )
        try:
            delta = time - _EPOCH
        except Exception as error:
            raise_interruption(error)
            zone = f"a time zone of type {type(time.tzinfo).__name__}"
            raise InvalidPointError(
                f"time has {zone} without an offset ({error}); give another, such as datetime.UTC"
            ) from error
        ns = ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
        # A pandas Timestamp is a datetime with three more digits.
        ns += getattr(time, "nanosecond", 0)
    elif isinstance(time, bool):
        raise InvalidPointError(f"time is {time}; give integer nanoseconds, float seconds or a datetime")
    elif isinstance(time, numbers.Integral):
        ns = int(time)
    elif isinstance(time, Decimal):
        from fractions import Fraction

        # Bounded first, because the integer of 1e999999 would fill the memory.
        ns = round(Fraction(time) * SECOND_NS) if abs(time) < MAX_TIME_NS else 10**30
    elif isinstance(time, numbers.Real):
        try:
            seconds = float(time)
        except OverflowError:  # an integral fraction of hundreds of digits
            seconds = math.inf
        if not math.isfinite(seconds):
            raise InvalidPointError(f"time is {seconds}; give a finite number of seconds")
        whole = math.floor(seconds)
        ns = whole * 1_000_000_000 + round((seconds - whole) * 1_000_000_000)
    elif type(time).__module__ == "numpy" and type(time).__name__ == "datetime64":
        ns = _numpy_time_ns(time)
    else:
        raise InvalidPointError(
            f"time is of type {type(time).__name__}; give integer nanoseconds, float seconds or a datetime"
        )
    if not -MAX_TIME_NS <= ns <= MAX_TIME_NS:
        raise InvalidPointError(
            f"time {_abbreviate(ns)} ns is outside of ±{MAX_TIME_NS} ns, about the years 1677 to 2262"
        )
    return ns


def _check_unit(time: Any) -> None:
    is_integer = isinstance(time, numbers.Integral)
    expected = "nanoseconds" if is_integer else "seconds"
    for unit, per_second in _PER_SECOND.items():
        if unit != expected and _RECENT_S[0] * per_second <= abs(time) <= _RECENT_S[1] * per_second:
            kind = "an integer" if is_integer else f"a {type(time).__name__}"
            raise InvalidPointError(
                f"time {time} looks like {unit}, but {kind} is taken as {expected}; "
                "give integer nanoseconds, float seconds or an aware datetime"
            )


def _numpy_time_ns(time: Any) -> int:
    """Nanoseconds of a ``datetime64``; NumPy's conversion overflows, silently or, since 2.5, for some that fit."""
    match = _numpy_unit.search(time.dtype.str)
    if match is None:
        return int(time.astype("int64"))
    unit = match[2]
    number = int(time.astype("int64")) * int(match[1] or 1)
    if unit in _NUMPY_UNITS_MONTHS:
        if abs(number) * _NUMPY_UNITS_MONTHS[unit] > _MAX_MONTHS:
            return 10**30 if number > 0 else -(10**30)
        number, unit = int(time.astype("datetime64[D]").astype("int64")), "D"
    if unit in _NUMPY_UNITS_PER_NS:
        return number // _NUMPY_UNITS_PER_NS[unit]
    return number * _NUMPY_UNITS_NS[unit]


def _abbreviate(number: int) -> str:
    try:
        text = repr(number)
    except ValueError:  # an int of thousands of digits
        return "…"
    return text if len(text) <= 60 else text[:57] + "…"
