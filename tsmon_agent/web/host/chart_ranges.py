"""The time ranges of the charts, and how finely each is drawn."""

from dataclasses import dataclass
from typing import Final

from tsmon.time_units import SECOND_NS

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


def _range(name: str, title: str, length_s: int, every_s: int) -> tuple[str, Range]:
    return name, Range(name, title, length_s * SECOND_NS, every_s * SECOND_NS)


RANGES: Final[dict[str, Range]] = dict(
    (
        _range("15m", "15 minutes", 900, 3),
        _range("1h", "1 hour", 3_600, 10),
        _range("6h", "6 hours", 21_600, 60),
        _range("24h", "24 hours", 86_400, 300),
        _range("7d", "7 days", 604_800, 1_800),
        _range("30d", "30 days", 2_592_000, 7_200),
    )
)

DEFAULT_RANGE: Final = RANGES["1h"]
