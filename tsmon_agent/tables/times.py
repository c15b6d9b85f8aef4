"""Dates and times as people write them; the order of day and month is recognised where the texts leave no doubt."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from tsmon.errors import ImportingError

__all__ = [
    "DATE_ORDERS",
    "DATE_ORDER_NAMES",
    "TIME_UNITS",
    "find_time_form",
    "has_date",
    "is_time_of_day",
    "parse_time",
]

TIME_UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
DATE_ORDERS: Final = ("dmy", "mdy", "ymd")
DATE_ORDER_NAMES: Final = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Numbers are times since the epoch if they lie between these years."""

_MONTHS: Final = {
    name: month
    for month, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        1,
    )
    for name in names
}

_TIME: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
)
_DATES: Final = (
    r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})",
    r"(?P<a>\d{1,2})(?P<sign>[-/.])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{4}|\d{2})",
    r"(?P<day>\d{1,2})[-/ .]*(?P<name>[A-Za-z]{3,9})[-/ .,]*(?P<year>\d{4}|\d{2})",
    r"(?P<name>[A-Za-z]{3,9})[ .]*(?P<day>\d{1,2})[ ,]+(?P<year>\d{4})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
)
_texts: Final = [re.compile(rf"{date}(?:(?:[T,;]|\s)\s*{_TIME})?", re.ASCII) for date in _DATES]
_compact: Final = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[T_ ]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?",
    re.ASCII,
)
_clock: Final = re.compile(_TIME, re.ASCII)
_number: Final = re.compile(r"\d+(?:\.\d*)?(?:[eE]\+?\d+)?", re.ASCII)
_digits: Final = re.compile(r"\d{8}|\d{10}|\d{12}|\d{14}", re.ASCII)


def parse_time(text: str, order: str = "") -> tuple[datetime, int]:
    """A time, without a zone if the text has none, and its nanoseconds beyond the microsecond; raises ValueError.

    ``order`` is that of a date in numbers whose year does not come first.
    """
    found = _match(text)
    if found is None:
        raise ValueError
    parts = found.groupdict()
    year, month, day = _find_date(parts, order)
    hour, minute, second = (int(parts.get(key) or 0) for key in ("hour", "minute", "second"))
    fraction = (parts.get("fraction") or "").ljust(9, "0")[:9]
    days = 0
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half[0] in "Pp" else 0)
    elif hour == 24 and minute == second == 0 and not int(fraction):
        hour, days = 0, 1
    moment = datetime(year, month, day, hour, minute, second, int(fraction[:6]))  # noqa: DTZ001
    if days:
        moment += timedelta(days=days)
    if zone := parts.get("zone"):
        moment = moment.replace(tzinfo=_find_offset(zone))
    return moment, int(fraction[6:])


def is_time_of_day(text: str) -> bool:
    """Whether a text is a time without a date."""
    return _clock.fullmatch(text) is not None


def has_date(text: str, *, only: bool = False) -> bool:
    """Whether a text is a date, with a time or without; ``only`` without."""
    found = _match(text)
    return found is not None and not (only and found.groupdict().get("hour"))


def find_time_form(texts: Sequence[str], today: datetime | None = None) -> str:
    """``iso`` if no text is in doubt, else a date order or the unit of numbers since the epoch.

    Raises :class:`~tsmon.errors.ImportingError` if the texts may mean different times.
    """
    if texts and all(map(_number.fullmatch, texts)):
        return _find_unit(texts)
    latest = (today or datetime.now(UTC)).year + 1
    left: list[str] = []
    example = ""
    for text in texts:
        found = _texts[1].fullmatch(text)
        if found is None:
            continue
        possible = [order for order in DATE_ORDERS if _is_possible(found.groupdict(), order, latest)]
        if not possible:
            continue
        narrowed = [order for order in left if order in possible] if left else possible
        if not narrowed:
            raise ImportingError(
                f"the dates {example!r} and {text!r} have the day and the month in different places; "
                "name their order by --time-format dmy or mdy"
            )
        if len(narrowed) < len(left) or not left:
            example = text
        left = narrowed
    if len(left) > 1:
        names = " or ".join(f"{DATE_ORDER_NAMES[order]} ({order})" for order in left)
        raise ImportingError(f"the date {example!r} may be {names}; name its order by --time-format")
    return left[0] if left else "iso"


def _match(text: str) -> re.Match[str] | None:
    for pattern in (*_texts, _compact):
        if (found := pattern.fullmatch(text)) is not None:
            return found
    return None


def _find_date(parts: dict[str, str | None], order: str) -> tuple[int, int, int]:
    if "a" in parts:
        if not order:
            raise ValueError
        named = dict(zip(order, (str(parts[key]) for key in "abc"), strict=True))
        year, month, day = named["y"], int(named["m"]), int(named["d"])
        if len(year) < 2 or len(named["d"]) > 2:
            raise ValueError
    else:
        year, day = str(parts["year"]), int(str(parts["day"]))
        month = int(str(parts["month"])) if "month" in parts else _MONTHS.get(str(parts["name"]).lower(), 0)
    if len(year) == 2:
        # As POSIX has it.
        return int(year) + (1900 if int(year) >= 69 else 2000), month, day
    return int(year), month, day


def _is_possible(parts: dict[str, str | None], order: str, latest: int) -> bool:
    try:
        year, month, day = _find_date(parts, order)
        datetime(year, month, day)  # noqa: DTZ001
    except ValueError:
        return False
    return len(str(parts["c"])) == 4 or year <= latest


def _find_offset(zone: str) -> timezone:
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _find_unit(texts: Iterable[str]) -> str:
    texts = list(texts)
    first = (FIRST_YEAR - 1970) * 365.2425 * 86_400
    last = (LAST_YEAR - 1970) * 365.2425 * 86_400
    units = [
        unit
        for unit, nanoseconds in TIME_UNITS.items()
        if all(first <= float(text) * nanoseconds / 1e9 <= last for text in texts)
    ]
    is_written = all(_digits.fullmatch(text) and _is_written_date(text) for text in texts)
    if units and not is_written:
        return units[0]
    if is_written and not units and len(texts[0]) != 10:
        return "iso"
    if is_written:
        raise ImportingError(
            f"the time {texts[0]!r} may be a date and an hour or seconds since 1970; "
            "name its form by --time-format, such as %Y%m%d%H or s"
        )
    raise ImportingError(
        f"the time {texts[0]!r} is no number of s, ms, us or ns since 1970 between {FIRST_YEAR} and {LAST_YEAR}; "
        "name its unit or form by --time-format"
    )


def _is_written_date(text: str) -> bool:
    try:
        parse_time(f"{text}00" if len(text) == 10 else text)
    except ValueError:
        return False
    return FIRST_YEAR - 90 <= int(text[:4]) <= LAST_YEAR
