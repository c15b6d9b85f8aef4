"""Times in common forms, converted to ascending integer nanoseconds.

NumPy, pandas, polars and Arrow are used only for their own objects, and never imported.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tsmon.availability.times import Units, convert_array, convert_list, hold

__all__ = ["NormalizedTimes", "Times", "normalize_times", "read_times"]

Times = Iterable[Any]
"""Times in any order, in anything that holds them.

*Holders*: lists and other iterables, ``array.array``, arrays of NumPy (masked ones too), columns, indexes, periods
and arrays of pandas, ``Series`` of polars, arrays of Arrow, one-dimensional arrays of xarray. A Series or DataFrame
of pandas with a DatetimeIndex (or PeriodIndex) means its index, except rows without a value.

*Kinds*: datetimes, dates and ISO 8601 texts, in UTC unless they name a zone; ``datetime64`` of any unit; integer
nanoseconds and float seconds. Numbers before 1990 or after 2100 need their unit to be named. Missing ones (None,
NaT, NA, NaN, masked, null) are left out and counted.
"""


class NormalizedTimes(NamedTuple):
    """Ascending and unique times, as a NumPy array of int64 or a list, and the number of those left out."""

    times_ns: Sequence[int]
    left_out: int


def normalize_times(times: Times, unit: str | None = None) -> Sequence[int]:
    """The times of :func:`read_times` alone."""
    return read_times(times, unit).times_ns


def read_times(times: Times, unit: str | None = None) -> NormalizedTimes:
    """Convert to integer nanoseconds, ascending and unique: two points of a series at one time are one point.

    ``unit`` is what numbers count: ``"ns"``, ``"us"``, ``"ms"``, ``"s"``, ``"min"``, ``"h"`` or ``"D"``. Raises
    :class:`~tsmon.errors.AvailabilityError` that names the place for anything that is not a time.
    """
    units = Units.of(unit)
    held = hold(times)
    numpy = sys.modules.get("numpy")
    units = held.units or units
    if numpy is not None and isinstance(held.times, numpy.ndarray):
        found, missing = convert_array(numpy, held.times, units, held.positions)
    else:
        found, missing = convert_list(held.times, units, held.positions)
    return NormalizedTimes(found, held.left_out + missing)
