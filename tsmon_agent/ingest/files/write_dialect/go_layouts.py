"""Times by a layout of Go: written as the time ``Mon Jan 2 15:04:05 MST 2006`` would be.

Follows ``time.Parse``, but where Go would take an unknown abbreviation of a zone for UTC, or a time without a year
for the year 0, there is an error instead.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

__all__ = ["GoLayout", "GoTime"]

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAY: Final = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_SHORT_MONTH: Final = "|".join(_MONTHS)
_SHORT_DAY: Final = "|".join(day[:3] for day in _DAY.split("|"))
_FRACTION: Final = r"(?:[.,](?P<fraction>\d+))?"

_PARTS: Final = {
    "2006": r"(?P<year>\d{4})",
    "06": r"(?P<short_year>\d\d)",
    "January": f"(?P<month_name>(?i:{_MONTH}))",
    "Jan": f"(?P<month_name>(?i:{_SHORT_MONTH}))",
    "01": r"(?P<month>\d\d)",
    "1": r"(?P<month>\d\d?+)",
    "Monday": f"(?i:{_DAY})",
    "Mon": f"(?i:{_SHORT_DAY})",
    "02": r"(?P<day>\d\d)",
    "_2": r" ?(?P<day>\d\d?+)",
    "2": r"(?P<day>\d\d?+)",
    "002": r"(?P<day_of_year>\d{3})",
    "__2": r" {0,2}+(?P<day_of_year>\d{1,3}+)",
    "15": r"(?P<hour>\d\d?+)",
    "03": r"(?P<hour_of_12>\d\d)",
    "3": r"(?P<hour_of_12>\d\d?+)",
    "04": r"(?P<minute>\d\d)",
    "4": r"(?P<minute>\d\d?+)",
    "05": r"(?P<second>\d\d)",
    "5": r"(?P<second>\d\d?+)",
    "PM": "(?P<half>[AP]M)",
    "pm": "(?P<half>[ap]m)",
    "MST": r"(?P<zone>[A-Z]{3,5}|[+-]\d\d)",
    "-07:00:00": r"(?P<offset>[+-]\d\d:\d\d:\d\d)",
    "-07:00": r"(?P<offset>[+-]\d\d:\d\d)",
    "-070000": r"(?P<offset>[+-]\d{6})",
    "-0700": r"(?P<offset>[+-]\d{4})",
    "-07": r"(?P<offset>[+-]\d\d)",
}
_PARTS_OF_Z: Final = {f"Z{part[1:]}": f"(?:Z|{text})" for part, text in _PARTS.items() if part.startswith("-07")}
_SECONDS: Final = ("05", "5")

_part: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|PM|pm|[-Z]07(?::00:00|:00|0000|00)?"
    r"|002|01|02|03|04|05|06|15|2006|__2|_(?=2006)|_2|[.,](?:0+|9+)(?!\d)|[1-5]| +"
)


class GoTime(NamedTuple):
    """A parsed time; ``offset`` is None, and ``zone`` empty, if the text has none."""

    moment: datetime
    nanoseconds: int
    offset: timedelta | None
    zone: str


@dataclass(frozen=True, slots=True)
class GoLayout:
    """A layout, and how texts of it are matched; raises ValueError if the layout has no year."""

    layout: str
    _pattern: re.Pattern[str]

    @classmethod
    def compile(cls, layout: str) -> "GoLayout":
        """Build the pattern of a layout."""
        pattern, end, seen = "", 0, set[str]()
        parts = list(_part.finditer(layout))
        for number, found in enumerate(parts):
            part = found[0]
            pattern += re.escape(layout[end : found.start()])
            end = found.end()
            if part.isspace():
                pattern += " +"
                continue
            if part == "_":
                pattern += "_"
                continue
            if part[0] in ".,":
                text = rf"[.,](?P<fraction>\d{{{len(part) - 1}}})" if part[1] == "0" else _FRACTION
            else:
                text = _PARTS.get(part) or _PARTS_OF_Z[part]
            following = parts[number + 1] if number + 1 < len(parts) else None
            if part in _SECONDS and not (following and following.start() == end and following[0][0] in ".,"):
                # Go accepts a fraction after seconds, whether or not the layout has one.
                text += _FRACTION
            names = set(re.findall(r"\?P<(\w+)>", text))
            if names & seen:
                raise ValueError(f"the layout {layout!r} has the same part of a time twice; write it once")
            seen |= names
            pattern += text
        if not seen & {"year", "short_year"}:
            raise ValueError(
                f"the layout {layout!r} has no year; write the time Mon Jan 2 15:04:05 2006 as your times are"
            )
        return cls(layout, re.compile(pattern + re.escape(layout[end:]), re.ASCII))

    def parse(self, text: str) -> GoTime:
        """Parse a time; raises ValueError, without a text, if it does not fit."""
        found = self._pattern.fullmatch(text)
        if found is None:
            raise ValueError
        parts = {name: value for name, value in found.groupdict().items() if value is not None}
        fraction = parts.get("fraction", "").ljust(9, "0")[:9]
        moment = datetime(  # noqa: DTZ001
            _find_year(parts),
            _find_month(parts),
            int(parts.get("day", 1)),
            _find_hour(parts),
            int(parts.get("minute", 0)),
            int(parts.get("second", 0)),
            int(fraction[:6]),
        )
        if "day_of_year" in parts:
            days = timedelta(days=int(parts["day_of_year"]) - 1)
            if days.days < 0 or (moment.replace(month=1, day=1) + days).year != moment.year:
                raise ValueError
            moment = moment.replace(month=1, day=1) + days
        zone = parts.get("zone", "")
        offset = parts.get("offset", zone if zone[:1] in ("+", "-") else "")
        if not offset and "Z07" in self.layout:
            offset = "+00"
        return GoTime(moment, int(fraction[6:]), _parse_offset(offset) if offset else None, zone)


def _find_year(parts: dict[str, str]) -> int:
    if "year" in parts:
        return int(parts["year"])
    short = int(parts["short_year"])
    return short + (1900 if short >= 69 else 2000)


def _find_month(parts: dict[str, str]) -> int:
    if "month_name" in parts:
        return _MONTHS.index(parts["month_name"][:3].lower()) + 1
    return int(parts.get("month", 1))


def _find_hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("hour", parts.get("hour_of_12", 0)))
    if "hour_of_12" in parts and hour > 12:
        raise ValueError
    half = parts.get("half", "").lower()
    if half == "pm" and hour < 12:
        return hour + 12
    return 0 if half == "am" and hour == 12 else hour


def _parse_offset(text: str) -> timedelta:
    digits = text[1:].replace(":", "").ljust(6, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))
    if offset >= timedelta(hours=24) or int(digits[2:4]) > 59:
        raise ValueError
    return -offset if text[0] == "-" else offset
