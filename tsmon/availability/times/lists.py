"""Times in a list, converted one by one; the common kinds are converted at once."""

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import lt
from typing import Any

from tsmon.availability.times.single import to_time_or_none
from tsmon.availability.times.units import Units
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS

__all__ = ["convert_list", "name_place", "sort_times"]


def convert_list(times: Sequence[Any], units: Units, positions: Sequence[int] | None) -> tuple[list[int], int]:
    """Times in ascending order, each once, and the number of those that are missing.

    ``positions`` are those of the times in what was given. Raises :class:`~tsmon.errors.AvailabilityError` that
    begins with the place.
    """
    found = _convert_numbers(times, units)
    if found is not None:
        return sort_times(found), 0
    found = []
    for position, time in enumerate(times):
        try:
            time_ns = to_time_or_none(time, units)
        except AvailabilityError as error:
            raise AvailabilityError(f"{name_place(position, positions)}: {error}") from None
        if time_ns is not None:
            found.append(time_ns)
    return sort_times(found), len(times) - len(found)


def sort_times(times_ns: Iterable[int]) -> list[int]:
    """Ascending and unique: two points of a series at one time are one point."""
    found = list(times_ns)
    return found if all(map(lt, found, islice(found, 1, None))) else sorted(set(found))


def name_place(position: int, positions: Sequence[int] | None) -> str:
    """How messages name the time at a position of what was given."""
    return f"times[{position if positions is None else positions[position]}]"


def _convert_numbers(times: Sequence[Any], units: Units) -> list[int] | None:
    """Times that are all of one plain type of numbers and plausible; None if one of them needs a closer look."""
    kinds = set(map(type, times))
    if len(kinds) != 1 or not kinds <= {int, float}:
        return None
    integers = kinds == {int}
    if not integers and not all(map(math.isfinite, times)):
        return None
    lowest, highest, unit_ns = min(times), max(times), units.length_ns(integers=integers)
    if not units.are_plausible(lowest, highest, integers=integers) or not (
        -MAX_TIME_NS < lowest * unit_ns <= highest * unit_ns < MAX_TIME_NS
    ):
        return None
    if integers:
        return list(times) if unit_ns == 1 else [time * unit_ns for time in times]
    return [(whole := math.floor(time)) * unit_ns + round((time - whole) * unit_ns) for time in times]
