"""Times on the wall clock of a zone, as a table without zones has them, and their places on the scale of UTC."""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tsmon.errors import ImportingError
from tsmon.line_protocol.times import MAX_TIME_NS

__all__ = ["LocalTime", "LocalTimes", "TwoTimes", "find_zone"]

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001
_MICROSECOND: Final = timedelta(microseconds=1)
_offset: Final = re.compile(r"(?:UTC)?([+-])(\d{1,2})(?::?(\d\d))?", re.ASCII)


class LocalTime(NamedTuple):
    """A time on a wall clock: a naive datetime, and the nanoseconds beyond its microseconds."""

    moment: datetime
    nanoseconds: int = 0


class TwoTimes(NamedTuple):
    """A time that a clock shows twice, and both times in nanoseconds since the epoch."""

    moment: datetime
    times_ns: tuple[int, int]
    clock: "LocalTimes"

    def explain(self) -> str:
        """Why it is rejected, with the remedy."""
        return self.clock.explain_two_times(self.moment)


class LocalTimes:
    """Converts times on the wall clock of a zone; ``column`` is where mistakes are."""

    def __init__(self, zone: tzinfo, column: str) -> None:
        self._zone = zone
        self._column = column
        self._fixed = zone.utcoffset(None)

    @property
    def are_fixed(self) -> bool:
        """Whether the zone's clock is never changed, so that each time occurs once."""
        return self._fixed is not None

    def place(self, time: int | LocalTime) -> int | TwoTimes:
        """The same as :meth:`to_ns`, for a time that may have a zone already."""
        return time if isinstance(time, int) else self.to_ns(time)

    def to_ns(self, time: LocalTime) -> int | TwoTimes:
        """Nanoseconds since the epoch, or the two times that it can be; raises ValueError if it does not exist."""
        moment, nanoseconds = time
        if self._fixed is not None:
            return _to_ns(moment, self._fixed, nanoseconds)
        first, second = self._find_offsets(moment)
        if first == second:
            return _to_ns(moment, first, nanoseconds)
        if first > second:
            both = _to_ns(moment, first, nanoseconds), _to_ns(moment, second, nanoseconds)
            return TwoTimes(moment, both, self)
        raise ValueError(
            f"column {self._column}: {moment.isoformat()} does not exist in {self._zone}, where clocks were put "
            f"forward by {_format_length(second - first)}; {_format_remedy(first)}"
        )

    def explain_two_times(self, moment: datetime) -> str:
        """Why a time that occurs twice is rejected, with the remedy."""
        first, second = self._find_offsets(moment)
        text = moment.isoformat()
        return (
            f"column {self._column}: {text} occurs twice in {self._zone}, where clocks were put back by "
            f"{_format_length(first - second)}, and the order of the rows does not show which it is; write it as "
            f"{text}{_format_offset(first)} or {text}{_format_offset(second)}; {_format_remedy(second)}"
        )

    def _find_offsets(self, moment: datetime) -> tuple[timedelta, timedelta]:
        """The offset of the first time that the clock shows this, and of the second."""
        here = moment.replace(tzinfo=self._zone, fold=0)
        first, second = here.utcoffset(), here.replace(fold=1).utcoffset()
        assert first is not None
        assert second is not None
        return first, second


def find_zone(name: str) -> tzinfo:
    """The time zone of this name, or of this fixed offset; raises ImportingError if there is none."""
    if found := _offset.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        if offset < timedelta(hours=24) and int(found[3] or 0) < 60:
            return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImportingError(
            f"there is no time zone {name!r}; name one such as UTC, Europe/Berlin, or +01:00 for a clock that is "
            "never changed"
        ) from None


def _to_ns(moment: datetime, offset: timedelta, nanoseconds: int) -> int:
    time_ns = (moment - _EPOCH - offset) // _MICROSECOND * 1_000 + nanoseconds
    if abs(time_ns) > MAX_TIME_NS:
        raise ValueError(f"{moment.isoformat()} is outside of the years 1677 to 2262")
    return time_ns


def _format_remedy(offset: timedelta) -> str:
    return f"for a clock that is never changed, give its offset, such as --timezone {_format_offset(offset)}"


def _format_length(length: timedelta) -> str:
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    if seconds:
        return f"{minutes * 60 + seconds} s"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _format_offset(offset: timedelta) -> str:
    sign, total = ("-", -offset) if offset < timedelta() else ("+", offset)
    minutes, seconds = divmod(int(total.total_seconds()), 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
