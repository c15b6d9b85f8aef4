"""From which values on a figure is high or critical: one table for the judgement and for the pages' readers."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["THRESHOLDS", "Severity", "Threshold", "judge", "worst"]


class Severity(StrEnum):
    """Judgement of a figure; shown as a shape and a word, not by colour alone."""

    OK = "ok"
    HIGH = "high"
    CRITICAL = "critical"
    STALE = "stale"
    """Not measured recently."""
    NONE = "none"
    """Not judged."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which values on a figure is high or critical."""

    what: str
    unit: str
    high: float
    critical: float


THRESHOLDS: Final = {
    "cpu": Threshold("CPU time used since the previous round", "%", 80, 95),
    "memory": Threshold("Memory used", "%", 85, 95),
    "swap": Threshold("Swap space used", "%", 50, 80),
    "load": Threshold("Load over 5 minutes, per CPU", "", 1, 2),
    "disk": Threshold("Disk space used", "%", 85, 95),
}

_WORST_FIRST: Final = (Severity.CRITICAL, Severity.HIGH, Severity.STALE, Severity.OK)


def judge(subject: str, value: float | None) -> Severity:
    """Severity of a value of a subject of :data:`THRESHOLDS`."""
    threshold = THRESHOLDS[subject]
    if value is None:
        return Severity.NONE
    if value >= threshold.critical:
        return Severity.CRITICAL
    return Severity.HIGH if value >= threshold.high else Severity.OK


def worst(severities: Iterable[Severity]) -> Severity | None:
    """The worst of several; None where none is judged."""
    found = set(severities)
    return next((one for one in _WORST_FIRST if one in found), None)
