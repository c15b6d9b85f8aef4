"""Values of a row, as text of a table or as JSON: how they are parsed, and how intervals are written.

Each parser raises ValueError with the mistake and its remedy, worded to follow the name of the value.
"""

import contextlib
import math
from decimal import Decimal, InvalidOperation
from typing import Final

from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.settings.durations import parse_duration
from tsmon.time_units import SECOND_NS
from tsmon_agent.state.quoted_values import quote_value

__all__ = ["format_seconds", "parse_deployment_number", "parse_flag", "parse_interval_ns", "parse_rate"]

LARGEST_NUMBER: Final = 2**31 - 1

_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_rate(value: object) -> float | None:
    """Parse a rate in Hz; an empty text is None."""
    if value is None or value == "":
        return None
    rate = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
        with contextlib.suppress(ValueError, OverflowError):
            rate = float(value)
    if not rate > 0 or not 1 <= _period_ns(rate) <= MAX_TIME_NS:
        raise ValueError(f"is {quote_value(value)}; give a number of Hz between 1e-9 and 1e9, or leave it empty")
    return rate


def parse_interval_ns(value: object) -> int | None:
    """Parse an interval in seconds, or a text such as ``10m``; an empty text is None."""
    if value is None or value == "":
        return None
    remedy = f"is {quote_value(value)}; give seconds above 0, or a text such as 30s, 15m, 1h, 7d, or leave it empty"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(remedy)
    try:
        seconds = Decimal(str(value)) if "_" not in str(value) else Decimal("NaN")
    except InvalidOperation:
        try:
            interval_ns = parse_duration(value) or 0
        except ValueError:
            interval_ns = 0
    else:
        interval_ns = round(seconds * SECOND_NS) if seconds.is_finite() and abs(seconds.adjusted()) < 30 else 0
    if not 0 < interval_ns <= MAX_TIME_NS:
        raise ValueError(remedy)
    return interval_ns


def parse_flag(value: object) -> bool:
    """Parse a truth value; an empty text is true."""
    if isinstance(value, bool):
        return value
    if value == "":
        return True
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise ValueError(f"is {quote_value(value)}; give true or false")


def parse_deployment_number(value: object) -> int:
    """Parse the number of a deployment."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError(f"is {quote_value(value)}; give a whole number from 0 to {LARGEST_NUMBER}")
    return value


def format_seconds(interval_ns: int | None) -> str:
    """Format an interval as seconds, exactly; None becomes the empty text."""
    return "" if interval_ns is None else f"{Decimal(interval_ns).scaleb(-9).normalize():f}"


def _period_ns(rate: float) -> float:
    return round(SECOND_NS / rate) if rate < math.inf and SECOND_NS / rate < math.inf else math.inf
