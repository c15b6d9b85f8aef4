"""The ranges of time that the charts offer, and how finely each is drawn."""

from dataclasses import dataclass
from typing import Final

from tsmon.time_units import SECOND_NS

__all__ = ["DEFAULT_RANGE", "RANGES", "Range", "Resolution"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Windows of ``every_ns``; where two neighbouring values are further apart than ``gap_ns``, one is missing."""

    every_ns: int
    step_ns: int
    """Distance at which values are expected."""
    windowed: bool
    """Whether a window holds the mean of several rounds; else at most one."""

    @property
    def gap_ns(self) -> int:
        """Greatest distance between two values that belong together."""
        return self.step_ns * 3 // 2

    @property
    def overlap_ns(self) -> int:
        """A round that came less than this after the last value is that value: its time is only roughly known."""
        return 0 if self.windowed else self.step_ns // 2


@dataclass(frozen=True, slots=True)
class Range:
    """A range that ends now, drawn with some 300 values."""

    name: str
    title: str
    length_ns: int
    every_ns: int

    def resolution(self, interval_s: float) -> Resolution:
        """How to draw what is measured every ``interval_s`` seconds.

        Windows of less than two rounds would now and then be empty, as rounds are never quite punctual, and an
        empty window would look like a gap. There each round is shown by itself: in windows of a quarter of
        the interval, so that a round that is missing can be told from one that is late.
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
