"""When a figure is high, and when critical: the one place that says so, for the pages and for their readers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["THRESHOLDS", "State", "Threshold", "judge"]


class State(StrEnum):
    """How a figure is; shown as shape and word besides colour."""

    OK = "ok"
    HIGH = "high"
    CRITICAL = "critical"
    STALE = "stale"
    """Not measured of late."""
    NONE = "none"
    """Not judged."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which value on a figure is high or critical."""

    what: str
    unit: str
    high: float
    critical: float


THRESHOLDS: Final = {
    "cpu": Threshold("CPU time used since the round before", "%", 80, 95),
    "memory": Threshold("Memory used", "%", 85, 95),
    "swap": Threshold("Swap space used", "%", 50, 80),
    "load": Threshold("Load over 5 minutes, per CPU", "", 1, 2),
    "disk": Threshold("Disk space used", "%", 85, 95),
}


def judge(subject: str, value: float | None) -> State:
    """State of a value of a subject of :data:`THRESHOLDS`."""
    threshold = THRESHOLDS[subject]
    if value is None:
        return State.NONE
    if value >= threshold.critical:
        return State.CRITICAL
    return State.HIGH if value >= threshold.high else State.OK
