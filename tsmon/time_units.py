"""Units of time in integer nanoseconds."""

from typing import Final

__all__ = ["DAY_NS", "HOUR_NS", "MILLISECOND_NS", "MINUTE_NS", "SECOND_NS"]

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000 * MILLISECOND_NS
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS
