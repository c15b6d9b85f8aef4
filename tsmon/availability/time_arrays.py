"""Times in common forms, converted to ascending integer nanoseconds.

NumPy and pandas are used only for their own arrays, and never imported.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import lt
from typing import Any, Final

from tsmon.errors import AvailabilityError, InvalidPointError
from tsmon.line_protocol.times import MAX_TIME_NS, to_time_ns

__all__ = ["Times", "normalize_times"]

Times = Iterable[Any]
"""Integer nanoseconds, float seconds or aware datetimes since the epoch, in any order: a list, an
``array.array("q")``, a NumPy array of integers (nanoseconds), floats (seconds) or ``datetime64`` (UTC), a pandas
``DatetimeIndex`` or ``Series`` (without a zone: UTC)."""

_NANOSECONDS_OF: Final = {
    "W": (604_800_000_000_000, 1),
    "D": (86_400_000_000_000, 1),
    "h": (3_600_000_000_000, 1),
    "m": (60_000_000_000, 1),
    "s": (1_000_000_000, 1),
    "ms": (1_000_000, 1),
    "us": (1_000, 1),
    "ps": (1, 1_000),
    "fs": (1, 1_000_000),
    "as": (1, 1_000_000_000),
}
"""Nanoseconds of each of NumPy's units, as a fraction."""

_MONTHS_OF: Final = {"Y": 12, "M": 1}
_MAX_MONTHS: Final = 12 * 300
"""Beyond the accepted range, but well within NumPy's."""


def normalize_times(times: Times) -> Sequence[int]:
    """Convert to integer nanoseconds, ascending and unique: two points of a series at one time are one point.

    Returns a NumPy array of int64 for arrays of NumPy and pandas, else a list. Raises
    :class:`~tsmon.errors.AvailabilityError` for anything that is not a time.
    """
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if pandas is not None and isinstance(times, pandas.Series | pandas.Index):
        times = _convert_pandas(pandas, times)
    if numpy is None or not isinstance(times, numpy.ndarray):
        return _convert_iterable(times)
    if times.ndim != 1:
        raise AvailabilityError(f"the array of times has {times.ndim} dimensions; give one of one dimension")
    return _convert_array(numpy, times) if times.dtype.kind in "iuM" else _convert_iterable(times.tolist())


def _convert_pandas(pandas: Any, times: Any) -> Any:
    if times.dtype.kind != "M":
        return times.to_numpy()
    index = pandas.DatetimeIndex(times)
    return (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)).to_numpy()


def _convert_array(numpy: Any, times: Any) -> Any:
    found = _convert_datetimes(numpy, times) if times.dtype.kind == "M" else times
    if len(found):
        _check(int(found.min()), int(found.max()))
    found = found.astype("int64")
    return found if bool((found[1:] > found[:-1]).all()) else numpy.unique(found)


def _convert_datetimes(numpy: Any, times: Any) -> Any:
    """Dates of any unit as int64 nanoseconds.

    NumPy's own conversion refuses some valid dates (since 2.5) or overflows silently (before).
    """
    unit, count = numpy.datetime_data(times.dtype)
    numbers = times.astype("int64")
    if unit in _MONTHS_OF and _within(numbers, _MAX_MONTHS // (_MONTHS_OF[unit] * count)):
        numbers, unit, count = times.astype("datetime64[D]").astype("int64"), "D", 1
    multiplier, divisor = _NANOSECONDS_OF.get(unit, (1, 1))
    multiplier *= count
    shared = math.gcd(multiplier, divisor)
    multiplier, divisor = multiplier // shared, divisor // shared
    if (
        unit in _MONTHS_OF
        or numpy.isnat(times).any()
        or not _within(numbers, MAX_TIME_NS * divisor // multiplier)
        or (divisor > 1 and (numbers % divisor).any())
    ):
        raise AvailabilityError(
            "some times are not dates (NaT), finer than nanoseconds or beyond the years 1677 to 2262; "
            "leave them out"
        )
    return numbers // divisor * multiplier


def _within(numbers: Any, limit: int) -> bool:
    return not len(numbers) or -limit <= int(numbers.min()) <= int(numbers.max()) <= limit


def _convert_iterable(times: Times) -> list[int]:
    found = list(times)
    if set(map(type, found)) <= {int}:
        if found:
            _check(min(found), max(found))
    else:
        for position, time in enumerate(found):
            try:
                found[position] = to_time_ns(time)
            except InvalidPointError as error:
                raise AvailabilityError(f"times[{position}]: {error}") from None
    return found if all(map(lt, found, islice(found, 1, None))) else sorted(set(found))


def _check(first_ns: int, last_ns: int) -> None:
    if not -MAX_TIME_NS <= first_ns <= last_ns <= MAX_TIME_NS:
        raise AvailabilityError(
            f"times reach from {first_ns} to {last_ns} ns, beyond ±{MAX_TIME_NS}; integers are nanoseconds"
        )
