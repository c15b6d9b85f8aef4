"""What stores are queried by, and what they return."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

__all__ = ["Bin", "Count", "Newest", "Retention", "Selector", "Series", "Values", "WindowedSpan"]


@dataclass(frozen=True, slots=True)
class Selector:
    """A field of a measurement, in every series that has all of ``tags``."""

    measurement: str
    field: str
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


class WindowedSpan(NamedTuple):
    """A span of time, and the width of the windows to divide it into."""

    start_ns: int
    stop_ns: int
    every_ns: int


class Bin(msgspec.Struct, frozen=True, gc=False):
    """The points of all selected series in one window: times of the first and the last, and their number."""

    # A year of a stream may have ten thousand bins, and a frozen dataclass takes six times as long to create.

    start_ns: int
    first_ns: int
    last_ns: int
    count: int


@dataclass(frozen=True, slots=True)
class Count:
    """Number of values of one series in a span of time."""

    tags: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest point of one series, and its value."""

    tags: Mapping[str, str]
    time_ns: int
    value: str | float | int | bool


@dataclass(frozen=True, slots=True)
class Series:
    """Means of one series: the starts of its windows and the mean of each, of equal length."""

    tags: Mapping[str, str]
    times_ns: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Values:
    """All values of one series as they were written: times in ascending order, and values, of equal length."""

    tags: Mapping[str, str]
    times_ns: Sequence[int]
    values: Sequence[str | float | int | bool]


@dataclass(frozen=True, slots=True)
class Retention:
    """From ``from_ns`` on a store answers in windows of ``every_ns`` and multiples of it; 0: in any windows."""

    every_ns: int
    from_ns: int
