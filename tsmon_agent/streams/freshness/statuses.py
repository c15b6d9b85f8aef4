"""How fresh a stream is, by the age of its newest datum."""

import enum
from collections.abc import Iterable

__all__ = ["FreshnessStatus", "judge_age", "worst_status"]


class FreshnessStatus(enum.IntEnum):
    """From what says nothing to what is worst."""

    NOT_TRACKED = 0
    """No limits, switched off, or not deployed now."""
    OPERATIONAL = 1
    """Not older than the warn interval."""
    DEGRADED = 2
    """Older than the warn interval."""
    FAILED = 3
    """Older than the fail interval, or there never was a datum."""
    SILENT_HOST = 4
    """Failed, as all streams from the same host have: no series with its ``host`` tag has anything new."""

    @property
    def label(self) -> str:
        """For people: ``silent host``."""
        return self.name.lower().replace("_", " ")

    @property
    def symbol(self) -> str:
        """A sign that tells it apart without colour."""
        return "·✓△✗⊘"[self]


def judge_age(
    age_ns: int | None, warn_ns: int | None, fail_ns: int | None, *, tracked: bool = True
) -> FreshnessStatus:
    """Level of a stream whose newest datum has this age (None: there is none); exactly a limit is not older.

    A stream with one limit only has the others' statuses never; without any it is not tracked.
    """
    if not tracked or (warn_ns is None and fail_ns is None):
        return FreshnessStatus.NOT_TRACKED
    if age_ns is None or (fail_ns is not None and age_ns > fail_ns):
        return FreshnessStatus.FAILED
    if warn_ns is not None and age_ns > warn_ns:
        return FreshnessStatus.DEGRADED
    return FreshnessStatus.OPERATIONAL


def worst_status(statuses: Iterable[FreshnessStatus]) -> FreshnessStatus:
    """Level of a group: that of its worst member; not tracked where none is."""
    return max(statuses, default=FreshnessStatus.NOT_TRACKED)
