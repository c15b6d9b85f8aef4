"""Numbers formatted for people."""

from datetime import UTC, datetime

from tsmon.time_units import SECOND_NS

__all__ = ["count", "days", "duration", "moment", "percent", "rate", "seconds", "size"]

_PREFIXES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
NO_BREAK = "\N{NO-BREAK SPACE}"


def count(number: float) -> str:
    """A whole number, with commas between thousands."""
    return f"{number:,.0f}"


def percent(value: float) -> str:
    """A percentage, to one decimal."""
    return f"{value:.1f}{NO_BREAK}%"


def size(number: float) -> str:
    """A number of bytes, to three significant digits."""
    value = float(number)
    for prefix in _PREFIXES:
        if abs(value) < 999.5 or prefix == _PREFIXES[-1]:
            break
        value /= 1024
    digits = 0 if prefix == "B" or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f}{NO_BREAK}{prefix}"


def rate(number: float) -> str:
    """A number of bytes per second."""
    return f"{size(number)}/s"


def seconds(value: float) -> str:
    """A short duration, in milliseconds or seconds."""
    return f"{value * 1e3:.1f}{NO_BREAK}ms" if value < 1 else f"{value:.4g}{NO_BREAK}s"


def days(value: int) -> str:
    """A long duration, in its two largest units."""
    for unit, lesser, length, part in (("d", "h", 86_400, 3_600), ("h", "min", 3_600, 60), ("min", "s", 60, 1)):
        if value >= length:
            return f"{value // length}{NO_BREAK}{unit} {value % length // part}{NO_BREAK}{lesser}"
    return f"{value}{NO_BREAK}s"


def duration(value: float) -> str:
    """A duration in seconds, short or long; ``6 h`` rather than ``6 h 0 min``."""
    if value < 60:
        return seconds(value)
    words = days(round(value)).split(" ")
    return words[0] if words[-1].startswith(f"0{NO_BREAK}") else " ".join(words)


def moment(time_ns: int) -> str:
    """A point in time, in UTC, to the second."""
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
