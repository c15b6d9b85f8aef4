"""The time ranges of the charts, and how finely each is drawn."""

from dataclasses import dataclass
from typing import Final

from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

__all__ = ["DEFAULT_RANGE", "RANGES", "Range", "Resolution"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Windows of ``every_ns``; between two values that are more than ``gap_ns`` apart, one is missing."""

    every_ns: int
    step_ns: int
    """Expected distance between values."""
    windowed: bool
    """Whether a window holds the mean of several rounds, and not at most one round."""

    @property
    def gap_ns(self) -> int:
        """Greatest distance between two values without a gap."""
        return self.step_ns * 3 // 2

    @property
    def overlap_ns(self) -> int:
        """A live round less than this after the last value is that value, whose time is known only roughly."""
        return 0 if self.windowed else self.step_ns // 2


@dataclass(frozen=True, slots=True)
class Range:
    """A time range that ends now, drawn with about 300 values."""

    name: str
    title: str
    length_ns: int
    every_ns: int

    def resolution(self, interval_s: float) -> Resolution:
        """How to draw values that are measured every ``interval_s`` seconds.

        Windows of less than two rounds would sometimes be empty, as rounds are never quite punctual, and an empty
        window would look like a gap. So there each round has a window of its own, a quarter of the interval wide,
        which distinguishes a missing round from a late one.
        """
        interval_ns = round(interval_s * SECOND_NS)
        if self.every_ns >= 2 * interval_ns:
            return Resolution(self.every_ns, self.every_ns, windowed=True)
        return Resolution(max(interval_ns // 4, 1), interval_ns, windowed=False)


RANGES: Final[dict[str, Range]] = {
    one.name: one
    for one in (
        Range("15m", "15 minutes", 15 * MINUTE_NS, 3 * SECOND_NS),
        Range("1h", "1 hour", HOUR_NS, 10 * SECOND_NS),
        Range("6h", "6 hours", 6 * HOUR_NS, MINUTE_NS),
        Range("24h", "24 hours", DAY_NS, 5 * MINUTE_NS),
        Range("7d", "7 days", 7 * DAY_NS, 30 * MINUTE_NS),
        Range("30d", "30 days", 30 * DAY_NS, 2 * HOUR_NS),
    )
}

DEFAULT_RANGE: Final = RANGES["1h"]
