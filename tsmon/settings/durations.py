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
        raise ValueError(f"{text!r} is not a duration; write one such as 30s, 15m, 1h, 7d, or forever")
    return int(match[1]) * UNITS_NS[match[2]]


def format_duration(duration_ns: int | None) -> str:
    """Inverse of :func:`parse_duration`, in the largest unit that fits."""
    if duration_ns is None:
        return "forever"
    for unit, length_ns in reversed(UNITS_NS.items()):
        if duration_ns % length_ns == 0:
            return f"{duration_ns // length_ns}{unit}"
    return f"{duration_ns / UNITS_NS['s']:g}s"
