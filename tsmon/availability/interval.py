"""An interval of time and its category."""

from dataclasses import dataclass

from tsmon.availability.categories import APPEARANCES, Category
from tsmon.availability.time_format import format_time_range

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, ``start_ns <= time < end_ns``, of one category.

    ``count`` is the number of points in it, 0 if it is Missing. ``separation_ns`` is the mean separation of the
    points in its bins, None without any. ``isolated`` is the number of points that are further than the limit from
    both neighbours, so that no time is present around them. They are within a Missing interval, and only there.
    """

    start_ns: int
    end_ns: int
    category: Category
    count: int = 0
    separation_ns: float | None = None
    isolated: int = 0

    def __str__(self) -> str:
        name = APPEARANCES[self.category].name
        isolated = f", {self.isolated} isolated" if self.isolated else ""
        start, end = format_time_range(self.start_ns, self.end_ns)
        return f"{start} to {end} {name} ({self.count} points{isolated})"
