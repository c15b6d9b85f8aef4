"""An interval of time and its category."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tsmon.availability.categories import APPEARANCES, Category

__all__ = ["Interval", "time_text"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
        return f"{time_text(self.start_ns)} to {time_text(self.end_ns)} {name} ({self.count} points)"


def time_text(time_ns: int) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC; fractions of a second are cut."""
    return f"{_EPOCH + timedelta(seconds=time_ns // 1_000_000_000):%Y-%m-%d %H:%M:%S}"
