"""Times and durations in the forms in which people have them, converted to integer nanoseconds."""

from tsmon.availability.times.durations import Duration, to_duration_ns
from tsmon.availability.times.holders import Held, hold
from tsmon.availability.times.lists import convert_list
from tsmon.availability.times.numpy_arrays import convert_array
from tsmon.availability.times.single import AnyTime, to_end_argument_ns, to_time_argument_ns, to_time_or_none
from tsmon.availability.times.units import Units

__all__ = [
    "AnyTime",
    "Duration",
    "Held",
    "Units",
    "convert_array",
    "convert_list",
    "hold",
    "to_duration_ns",
    "to_end_argument_ns",
    "to_time_argument_ns",
    "to_time_or_none",
]
