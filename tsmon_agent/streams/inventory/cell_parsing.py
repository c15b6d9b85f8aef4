"""Values of rows, as text of a table or as JSON: what is accepted, and how it is written.

Each function raises ValueError with what is wrong and the remedy, to follow the name of the value.
"""

import contextlib
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from tsmon.availability import parse_time
from tsmon.line_protocol.values import MAX_TIME_NS
from tsmon.settings.durations import parse_duration
from tsmon.time_units import SECOND_NS

__all__ = [
    "format_exact_time",
    "format_seconds",
    "parse_deployment_number",
    "parse_flag",
    "parse_interval_ns",
    "parse_rate",
    "parse_time_ns",
]

LARGEST_NUMBER: Final = 2**31 - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_rate(value: object) -> float | None:
    """A rate in Hz; None for an empty text."""
    if value is None or value == "":
        return None
    rate = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool) and "_" not in str(value):
        with contextlib.suppress(ValueError, OverflowError):
            rate = float(value)
    if not rate > 0 or not 1 <= _period_ns(rate) <= MAX_TIME_NS:
        raise ValueError(f"is {_shown(value)}; give a number of Hz between 1e-9 and 1e9, or leave it empty")
    return rate


def parse_interval_ns(value: object) -> int | None:
    """An interval from seconds or from a text such as ``10m``; None for an empty text."""
    if value is None or value == "":
        return None
    remedy = f"is {_shown(value)}; give seconds above 0, or a text such as 30s, 15m, 1h, 7d, or leave it empty"
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
    """A truth value; also of an empty text, which means yes."""
    if isinstance(value, bool):
        return value
    if value == "":
        return True
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise ValueError(f"is {_shown(value)}; give true or false")


def parse_deployment_number(value: object) -> int:
    """A deployment's number."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError(f"is {_shown(value)}; give a whole number from 0 to {LARGEST_NUMBER}")
    return value


def parse_time_ns(value: object) -> int:
    """A time as :func:`tsmon.availability.parse_time` reads it, without a zone in UTC; or seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"is {_shown(value)}; give a time such as 2024-05-01T12:30:00Z")
    try:
        return parse_time(value if isinstance(value, str) else f"{Decimal(str(value)):f}")
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"is wrong: {error}") from None


def format_seconds(interval_ns: int | None) -> str:
    """Seconds, exactly; empty for None."""
    return "" if interval_ns is None else f"{Decimal(interval_ns).scaleb(-9).normalize():f}"


def format_exact_time(time_ns: int | None) -> str:
    """ISO 8601 in UTC, with as many digits as there are; empty for None."""
    if time_ns is None:
        return ""
    seconds, rest = divmod(time_ns, SECOND_NS)
    whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") + "Z" if rest else f"{whole}Z"


def _period_ns(rate: float) -> float:
    return round(SECOND_NS / rate) if rate < math.inf and SECOND_NS / rate < math.inf else math.inf


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
