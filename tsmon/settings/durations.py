"""Durations in the settings: ``"30s"``, ``"15m"``, ``"1h"``, ``"7d"``, ``"forever"``."""

import re
from typing import Any, Final

from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

__all__ = ["format_duration", "parse_duration"]

UNITS_NS: Final = {"s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS}

_duration: Final = re.compile(r"(\d{1,7})\s*([smhd])", re.ASCII)


def parse_duration(text: Any) -> int | None:
    """Nanoseconds of a duration, None for ``forever``; raises ValueError with the remedy."""
    if text == "forever":
        return None
    match = _duration.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not int(match[1]):
        raise ValueError(f"{text!r} is no duration; write one such as 30s, 15m, 1h, 7d, or forever")
    return int(match[1]) * UNITS_NS[match[2]]


def format_duration(duration: int | None) -> str:
    """Inverse of :func:`parse_duration`, in the largest unit that fits."""
    if duration is None:
        return "forever"
    for unit, length in reversed(UNITS_NS.items()):
        if duration % length == 0:
            return f"{duration // length}{unit}"
    return f"{duration / UNITS_NS['s']:g}s"
