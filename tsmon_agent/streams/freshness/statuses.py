"""How fresh a stream is, judged by the age of its newest datum."""

import enum
from collections.abc import Iterable

__all__ = ["FreshnessStatus", "judge_age", "worst_status"]


class FreshnessStatus(enum.IntEnum):
    """How fresh a stream is; a higher value is worse."""

    NOT_TRACKED = 0
    """Without limits, disabled, or not deployed now."""
    OPERATIONAL = 1
    """Not older than the warn interval."""
    DEGRADED = 2
    """Older than the warn interval."""
    FAILED = 3
    """Older than the fail interval, or without any datum."""
    SILENT_HOST = 4
    """Failed, as have all streams from the same host: no series with its ``host`` tag has anything new."""

    @property
    def label(self) -> str:
        """Its name in words: ``silent host``."""
        return self.name.lower().replace("_", " ")

    @property
    def symbol(self) -> str:
        """A character that distinguishes it without colour."""
        return "·✓△✗⊘"[self]


def judge_age(
    age_ns: int | None, warn_ns: int | None, fail_ns: int | None, *, tracked: bool = True
) -> FreshnessStatus:
    """Judge a stream by the age of its newest datum, None if it has none; an age equal to a limit is within it.

    A stream with one limit never gets the status of the other; a stream without limits is not tracked.
    """
    if not tracked or (warn_ns is None and fail_ns is None):
        return FreshnessStatus.NOT_TRACKED
    if age_ns is None or (fail_ns is not None and age_ns > fail_ns):
        return FreshnessStatus.FAILED
    if warn_ns is not None and age_ns > warn_ns:
        return FreshnessStatus.DEGRADED
    return FreshnessStatus.OPERATIONAL


def worst_status(statuses: Iterable[FreshnessStatus]) -> FreshnessStatus:
    """Status of a group: that of its worst member; an empty group is not tracked."""
    return max(statuses, default=FreshnessStatus.NOT_TRACKED)
