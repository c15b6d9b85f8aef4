"""Times on the wall clock of a zone, as a table without zones has them, and their places on the scale of UTC."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tsmon.line_protocol.times import to_time_ns

__all__ = ["LocalTime", "LocalTimes"]


class LocalTime(NamedTuple):
    """A time on a wall clock: a naive datetime, and the nanoseconds beyond its microseconds."""

    moment: datetime
    nanoseconds: int = 0


class LocalTimes:
    """Converts the times of a table's rows, in their order."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def to_ns(self, time: LocalTime) -> int:
        """Nanoseconds since the epoch."""
        return to_time_ns(time.moment.replace(tzinfo=self._zone).astimezone(UTC)) + time.nanoseconds
