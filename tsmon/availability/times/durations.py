"""Durations as people give them: ``"6min"``, ``timedelta``, and those of pandas, NumPy and Arrow."""

import numbers
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tsmon.availability.times.units import UNITS_NS, shorten
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.plain_values import MISSING, NumPyScalar, to_plain

__all__ = ["Duration", "to_duration_ns"]

Duration: TypeAlias = timedelta | str | int | NumPyScalar
"""A timedelta (that of pandas is one), a text such as ``6min`` or ``1h 30min``, ``timedelta64`` of NumPy, an offset
of pandas of fixed length. What is named in nanoseconds takes integers too."""

_LONG_NAMES: Final = {
    "ns": ("nanosecond",),
    "us": ("µs", "μs", "microsecond"),
    "ms": ("millisecond", "msec"),
    "s": ("sec", "second"),
    "min": ("m", "minute"),
    "h": ("hr", "hour"),
    "D": ("d", "day"),
}
_NANOSECONDS_OF: Final = {
    "W": 7 * UNITS_NS["D"],
    "w": 7 * UNITS_NS["D"],
    "week": 7 * UNITS_NS["D"],
    "H": UNITS_NS["h"],
} | {name: length_ns for unit, length_ns in UNITS_NS.items() for name in (unit, *_LONG_NAMES[unit])}

_part: Final = re.compile(r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([a-zA-Zµμ]+)\s*,?", re.ASCII)
_iso: Final = re.compile(
    r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?", re.ASCII
)
_clock: Final = re.compile(r"(\d{1,9}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)", re.ASCII)


def to_duration_ns(duration: object, place: str, *, has_unit: bool = False) -> int:
    """Nanoseconds of a duration; ``has_unit`` accepts an integer too, because the name says that it is nanoseconds.

    Raises :class:`~tsmon.errors.AvailabilityError` that begins with ``place``.
    """
    if isinstance(duration, bool):
        duration_ns = None
    elif isinstance(duration, numbers.Integral) and not _is_of_numpy(duration, "m"):
        duration_ns = int(duration) if has_unit else None
    elif isinstance(duration, str):
        duration_ns = _parse(duration.strip())
    else:
        duration_ns = _convert(duration)
    if duration_ns is None:
        raise AvailabilityError(f'{place}: {shorten(duration)} is not a duration; write one such as "6min" or "1h"')
    return duration_ns


def _convert(duration: Any) -> int | None:
    if _is_of_numpy(duration, "m"):
        return _convert_numpy(duration)
    if hasattr(duration, "as_py"):
        duration = duration.as_py()
    elif hasattr(duration, "freqstr"):  # an offset of pandas
        try:
            return int(duration.nanos)
        except ValueError:
            return None  # of no fixed length, such as a month
    if to_plain(duration) is MISSING or not isinstance(duration, timedelta):
        return None
    microseconds = (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds
    return microseconds * 1_000 + getattr(duration, "nanoseconds", 0)


def _is_of_numpy(duration: Any, kind: str) -> bool:
    return getattr(getattr(duration, "dtype", None), "kind", "") == kind and getattr(duration, "ndim", 1) == 0


def _convert_numpy(duration: Any) -> int | None:
    unit = re.search(r"\[(\d*)(\w+)\]", duration.dtype.str)
    if unit is None or str(duration) == "NaT":
        return None
    name = "min" if unit[2] == "m" else unit[2]
    length_ns = None if name == "M" else _NANOSECONDS_OF.get(name)
    return None if length_ns is None else int(duration.astype("int64")) * int(unit[1] or 1) * length_ns


def _parse(text: str) -> int | None:
    if clock := _clock.fullmatch(text):
        return _sum(clock.groups(), ("h", "min", "s"))
    if (iso := _iso.fullmatch(text)) and any(iso.groups()):
        return _sum(iso.groups(), ("W", "D", "h", "min", "s"))
    position, numbers_, units = 0, [], []
    while part := _part.match(text, position):
        name = part[2] if part[2] in _NANOSECONDS_OF else part[2].lower().removesuffix("s")
        if part[2] == "M" or name not in _NANOSECONDS_OF:
            return None  # M are months to some and minutes to others
        numbers_.append(part[1])
        units.append(name)
        position = part.end()
    return _sum(numbers_, units) if units and position == len(text) else None


def _sum(counts: Any, units: Any) -> int:
    return sum(
        int(Decimal(count) * _NANOSECONDS_OF[unit]) for count, unit in zip(counts, units, strict=True) if count
    )
