"""The range of time that a timeline shows, and the ranges that are one step away from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from tsmon.availability import format_time
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.time_units import DAY_NS, MINUTE_NS

__all__ = ["PRESETS", "TimeRange", "choose_time_range"]

SHORTEST_NS: Final = MINUTE_NS

PRESETS: Final = {
    "24h": ("24 hours", DAY_NS),
    "7d": ("7 days", 7 * DAY_NS),
    "30d": ("30 days", 30 * DAY_NS),
    "90d": ("90 days", 90 * DAY_NS),
    "1y": ("year", 365 * DAY_NS),
    "5y": ("5 years", 1_826 * DAY_NS),
}
"""Ranges that end now, by name: title and length."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range, ``start_ns <= time < end_ns``; ``preset`` is its name in :data:`PRESETS`, ``all``, or empty."""

    start_ns: int
    end_ns: int
    preset: str

    @property
    def from_text(self) -> str:
        """Its start, as forms and addresses have it."""
        return format_time(self.start_ns)

    @property
    def to_text(self) -> str:
        """Its end, truncated to seconds like all times on pages."""
        return format_time(self.end_ns)

    def to_query(self) -> str:
        """Format the range as the query of an address."""
        return urlencode({"start_time": self.from_text, "stop_time": self.to_text})

    def steps(self) -> Mapping[str, str]:
        """Queries for ranges half a length earlier or later, and half or twice as long about the same middle."""
        length_ns = self.end_ns - self.start_ns
        return {
            "earlier": _shift(self.start_ns - length_ns // 2, length_ns),
            "in": _shift(self.start_ns + length_ns // 4, max(length_ns // 2, SHORTEST_NS)),
            "out": _shift(self.start_ns - length_ns // 2, length_ns * 2),
            "later": _shift(self.start_ns + length_ns // 2, length_ns),
        }


def choose_time_range(
    start_ns: int | None, end_ns: int | None, preset: str, *, first_ns: int | None, now_ns: int
) -> TimeRange:
    """Choose the range between two times, either of which may be missing; without both, that of a preset, or all.

    ``first_ns`` is when data are first expected, None if that is not known. Raises
    :class:`~tsmon.errors.AvailabilityError` for a range that ends before it starts.
    """
    first_ns = now_ns - DAY_NS if first_ns is None else min(first_ns, now_ns - SHORTEST_NS)
    if start_ns is None and end_ns is None:
        if preset in PRESETS:
            return TimeRange(now_ns - PRESETS[preset][1], now_ns, preset)
        return TimeRange(first_ns, now_ns, "all")
    if start_ns is None:
        assert end_ns is not None
        start_ns = min(first_ns, end_ns - DAY_NS)
    if end_ns is None:
        end_ns = max(now_ns, start_ns + SHORTEST_NS)
    if end_ns <= start_ns:
        raise AvailabilityError("the range ends before it starts; exchange start_time and stop_time")
    return TimeRange(start_ns, end_ns, "")


def _shift(start_ns: int, length_ns: int) -> str:
    start_ns = max(start_ns, -MAX_TIME_NS)
    return TimeRange(start_ns, min(start_ns + length_ns, MAX_TIME_NS), "").to_query()
