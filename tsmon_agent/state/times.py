"""Times as people write them, in tables, options and JSON, from and to the nanoseconds that the state keeps."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from tsmon.availability import parse_time
from tsmon.time_units import SECOND_NS
from tsmon_agent.state.quoted_values import quote_value

__all__ = ["format_exact_time", "parse_time_ns"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time_ns(value: object) -> int:
    """Parse a time as :func:`tsmon.availability.parse_time` does, or a number of seconds since 1970.

    A time without a zone is UTC. Raises ValueError with the mistake and its remedy, worded to follow the name of
    the value.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"is {quote_value(value)}; give a time such as 2024-05-01T12:30:00Z")
    try:
        return parse_time(value if isinstance(value, str) else f"{Decimal(str(value)):f}")
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"is wrong: {error}") from None


def format_exact_time(time_ns: int | None) -> str:
    """Format a time as ISO 8601 in UTC, with as many decimals as it needs; None becomes the empty text."""
    if time_ns is None:
        return ""
    seconds, rest = divmod(time_ns, SECOND_NS)
    whole = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") + "Z" if rest else f"{whole}Z"
