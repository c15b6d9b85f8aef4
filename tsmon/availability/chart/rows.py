"""What a chart shows of a stream."""

from collections.abc import Sequence
from typing import NamedTuple

from tsmon.availability.categories import Appearance
from tsmon.availability.interval import Interval

__all__ = ["ChartRow"]


class ChartRow(NamedTuple):
    """A stream: its name, its intervals in order of time, and how their categories look."""

    name: str
    intervals: Sequence[Interval]
    appearances: Sequence[Appearance]
