"""Arguments of reports: rules by name, and the range of a report in times of any kind."""

import time
from typing import Any

from tsmon.availability.rules import PRESETS, Rules
from tsmon.availability.times import to_duration_ns, to_end_argument_ns, to_time_argument_ns
from tsmon.errors import AvailabilityError

__all__ = ["find_rules", "read_range", "read_span", "read_windows"]


def find_rules(rules: Any) -> Rules:
    """These rules, or the preset of this name; raises :class:`~tsmon.errors.AvailabilityError` if there is none."""
    if isinstance(rules, Rules):
        return rules
    if isinstance(rules, str) and rules in PRESETS:
        return PRESETS[rules]
    names = " or ".join(map(repr, PRESETS))
    if isinstance(rules, str):
        raise AvailabilityError(f"there is no preset {rules!r}; give {names}, or Rules of your own")
    raise AvailabilityError(f"rules is of type {type(rules).__name__}; give {names}, or Rules of your own")


def read_range(start_ns: Any, end_ns: Any, now_ns: Any) -> tuple[int | None, int | None, int]:
    """Start and end of a report in nanoseconds, None if they follow from the deployments, and what counts as now.

    Raises :class:`~tsmon.errors.AvailabilityError` that names the argument.
    """
    return (
        to_end_argument_ns(start_ns, "start_ns"),
        to_end_argument_ns(end_ns, "end_ns"),
        time.time_ns() if now_ns is None else to_time_argument_ns(now_ns, "now_ns"),
    )


def read_span(start_ns: Any, stop_ns: Any) -> dict[str, int]:
    """Start and stop of a query of a store, by their names in it.

    Raises :class:`~tsmon.errors.AvailabilityError` that names the argument.
    """
    return {
        "start_ns": to_time_argument_ns(start_ns, "start_ns"),
        "stop_ns": to_time_argument_ns(stop_ns, "stop_ns"),
    }


def read_windows(start_ns: Any, stop_ns: Any, every_ns: Any) -> dict[str, int]:
    """As :func:`read_span`, with the width of windows, which is any duration."""
    width_ns = to_duration_ns(every_ns, "every_ns", has_unit=True)
    if width_ns <= 0:
        raise AvailabilityError(f"every_ns: {width_ns} ns is no width of windows; give more than 0")
    return read_span(start_ns, stop_ns) | {"every_ns": width_ns}
