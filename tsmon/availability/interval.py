"""An interval of time and its category."""

from dataclasses import dataclass

from tsmon.availability.categories import APPEARANCES, Category
from tsmon.availability.time_format import format_time

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, ``start_ns <= time < end_ns``, of one category.

    ``count`` is the number of points that made it so; those of Missing are further than the limit from both
    neighbours, so that no time of data lies around them. ``separation_ns`` is the mean separation of the points
    of its bins, None where there is none.
    """

    start_ns: int
    end_ns: int
    category: Category
    count: int = 0
    separation_ns: float | None = None

    def __str__(self) -> str:
        name = APPEARANCES[self.category].name
        return f"{format_time(self.start_ns)} to {format_time(self.end_ns)} {name} ({self.count} points)"
