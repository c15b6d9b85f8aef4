"""Times in arrays of NumPy, which is not imported here: whoever has such an array has imported it."""

import math
from collections.abc import Sequence
from typing import Any, Final

from tsmon.availability.times.lists import name_place
from tsmon.availability.times.single import raise_for_narrow_floats
from tsmon.availability.times.units import Units
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.line_protocol.values import MAX_INT64
from tsmon.time_units import DAY_NS, HOUR_NS, MILLISECOND_NS, MINUTE_NS, SECOND_NS

__all__ = ["convert_array"]

_NANOSECONDS_OF: Final = {
    "W": (7 * DAY_NS, 1),
    "D": (DAY_NS, 1),
    "h": (HOUR_NS, 1),
    "m": (MINUTE_NS, 1),
    "s": (SECOND_NS, 1),
    "ms": (MILLISECOND_NS, 1),
    "us": (1_000, 1),
    "ps": (1, 1_000),
    "fs": (1, 1_000_000),
    "as": (1, 1_000_000_000),
}
"""Nanoseconds of each of NumPy's units, as a fraction."""

_MONTHS_OF: Final = {"Y": 12, "M": 1}
_MAX_MONTHS: Final = 12 * 300
"""Beyond the accepted range, but well within NumPy's."""

_MAX_INEXACT_NS: Final = MILLISECOND_NS
"""Floats of less than 64 bits are times if they are as exact as this, as small numbers are."""


def convert_array(numpy: Any, times: Any, units: Units, positions: Sequence[int] | None) -> tuple[Any, int]:
    """Times in ascending order, each once, as int64, and the number of those that are missing.

    ``times`` are integers, floats or ``datetime64``. Otherwise as :func:`convert_list`.
    """
    missing = numpy.isnat(times) if times.dtype.kind == "M" else times != times
    left_out = int(missing.sum()) if times.dtype.kind in "Mf" else 0
    if left_out:
        kept = numpy.flatnonzero(~missing)
        times, positions = times[kept], kept if positions is None else numpy.asarray(positions)[kept]
    convert = {"M": _convert_dates, "f": _convert_floats}.get(times.dtype.kind, _convert_integers)
    found = convert(numpy, times, units, positions)
    return (found if bool((found[1:] > found[:-1]).all()) else numpy.unique(found)), left_out


def _convert_integers(numpy: Any, times: Any, units: Units, positions: Sequence[int] | None) -> Any:  # noqa: ARG001 - as its twins
    _check(times, units, positions)
    return times.astype("int64") * units.length_ns(integers=True)


def _convert_floats(numpy: Any, times: Any, units: Units, positions: Sequence[int] | None) -> Any:
    unit_ns = units.length_ns(integers=False)
    if len(times) and times.dtype.itemsize < 8:
        greatest = abs(times).max()
        if not numpy.isfinite(greatest) or float(numpy.spacing(greatest)) * unit_ns > _MAX_INEXACT_NS:
            raise_for_narrow_floats(times.dtype.name)
    if times.dtype.itemsize < 8:
        times = times.astype("float64")
    _check(times, units, positions)
    whole = numpy.floor(times)
    # Rounded half to even, as Python's round() does.
    return whole.astype("int64") * unit_ns + numpy.rint((times - whole) * unit_ns).astype("int64")


def _check(times: Any, units: Units, positions: Sequence[int] | None) -> None:
    """Refuse the first number that is no time in its unit."""
    if not len(times):
        return
    integers = times.dtype.kind in "iu"
    lowest, highest = times.min().item(), times.max().item()
    unit_ns = units.length_ns(integers=integers)
    if (
        units.are_plausible(lowest, highest, integers=integers)
        and -MAX_TIME_NS <= lowest * unit_ns <= highest * unit_ns <= MAX_TIME_NS
    ):
        return
    for position, number in enumerate(times.tolist()):
        try:
            units.convert(number)
        except AvailabilityError as error:
            raise AvailabilityError(f"{name_place(position, positions)}: {error}") from None


def _convert_dates(numpy: Any, times: Any, units: Units, positions: Sequence[int] | None) -> Any:  # noqa: ARG001
    """Dates of any unit as int64 nanoseconds.

    NumPy's own conversion refuses some valid dates (since 2.5) or overflows silently (before).
    """
    unit, count = numpy.datetime_data(times.dtype)
    numbers = times.astype("int64")
    if unit in _MONTHS_OF:
        limit = _MAX_MONTHS // (_MONTHS_OF[unit] * count)
        _refuse(numpy, (numbers < -limit) | (numbers > limit), positions)
        numbers, unit, count = times.astype("datetime64[D]").astype("int64"), "D", 1
    multiplier, divisor = _NANOSECONDS_OF.get(unit, (1, 1))
    multiplier *= count
    shared = math.gcd(multiplier, divisor)
    multiplier, divisor = multiplier // shared, divisor // shared
    limit = min(MAX_TIME_NS * divisor // multiplier, MAX_INT64)
    _refuse(numpy, (numbers < -limit) | (numbers > limit), positions)
    if divisor > 1:
        _refuse(numpy, numbers % divisor != 0, positions)
    return numbers // divisor * multiplier


def _refuse(numpy: Any, wrong: Any, positions: Sequence[int] | None) -> None:
    if wrong.any():
        place = name_place(int(numpy.flatnonzero(wrong)[0]), positions)
        raise AvailabilityError(
            f"some times are not dates of the years 1677 to 2262 in whole nanoseconds, the first of them {place}; "
            "leave them out"
        )
