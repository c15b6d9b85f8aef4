"""Times as people write them in URLs, tables and commands, in UTC unless they name a zone."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.time_units import SECOND_NS

__all__ = ["find_precision_ns", "format_time", "format_time_exactly", "format_time_range", "parse_time"]

THOUSANDTH: Final = 1_000
"""A length is known to a thousandth, or better, from the texts of its start and end."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_OF_TEXTS: Final = _EPOCH.replace(tzinfo=None)

_iso: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_seconds: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?", re.ASCII)


def format_time(time_ns: int) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC, cut to whole seconds."""
    return str(_EPOCH_OF_TEXTS + timedelta(seconds=time_ns // SECOND_NS))


def format_time_exactly(time_ns: int) -> str:
    """As :func:`format_time`, with a fraction of 3, 6 or 9 digits if the time is not a whole second."""
    text, fraction = format_time(time_ns), f"{time_ns % SECOND_NS:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{text}.{fraction}" if fraction else text


def format_time_range(start_ns: int, end_ns: int) -> tuple[str, str]:
    """Both times, cut to whole seconds where that is exact enough for their distance, else with a fraction."""
    unit_ns = find_precision_ns(end_ns - start_ns)
    return format_time_exactly(start_ns // unit_ns * unit_ns), format_time_exactly(end_ns // unit_ns * unit_ns)


def find_precision_ns(length_ns: int) -> int:
    """The widest unit from seconds to nanoseconds that is at most a thousandth of a length."""
    unit_ns = SECOND_NS
    while unit_ns > 1 and unit_ns * THOUSANDTH > length_ns:
        unit_ns //= THOUSANDTH
    return unit_ns


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch, exactly.

    Accepts ISO 8601 (``2024-05-01``, ``2024-05-01T12:30Z``, ``2024-05-01T12:30:00.25+02:00``), the same with a
    space (``2024-05-01 12:30:00``), or seconds since the epoch (``1714566600.25``). Without a zone it is UTC.
    Raises :class:`~tsmon.errors.AvailabilityError` for anything else, and for times that nanoseconds cannot hold.
    """
    text = text.strip()
    try:
        if _seconds.fullmatch(text):
            time_ns = int(Decimal(text) * SECOND_NS)
        elif found := _iso.fullmatch(text):
            clock = found["clock"] or "00:00"
            zone = (found["zone"] or "Z").upper()
            moment = datetime.fromisoformat(f"{found['day']}T{clock}{'+00:00' if zone == 'Z' else zone}")
            whole = (moment - _EPOCH) // timedelta(seconds=1)
            time_ns = whole * SECOND_NS + int((found["fraction"] or "0").ljust(9, "0"))
        else:
            raise ValueError
    except (ValueError, OverflowError, InvalidOperation):
        raise AvailabilityError(
            f"{_shorten(text)} is not a time; write 2024-05-01T12:30:00Z, 2024-05-01 12:30:00 or seconds since 1970"
        ) from None
    if not -MAX_TIME_NS <= time_ns <= MAX_TIME_NS:
        raise AvailabilityError(f"{_shorten(text)} is outside of the years 1677 to 2262; give a time within them")
    return time_ns


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
