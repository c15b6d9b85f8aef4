"""The time by which retention removes: it moves no faster than time passes.

A system clock that jumps ahead, for five seconds or because its battery is empty, must not remove what is stored.
So the time is compared with a clock that nobody sets, which counts from the machine's start, also while it sleeps.
What it cannot confirm (a jump, or the time for which the machine was off) waits until the new time has lasted for a
day in which the agent ran, or is confirmed. A clock that is behind removes less, which is safe; it too is believed
after a day. The state of each store is kept with its points.
"""

import logging
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tsmon.time_units import DAY_NS, MINUTE_NS, SECOND_NS

__all__ = ["ClockReading", "ClockState", "advance", "read_clocks"]

_log = logging.getLogger("tsmon")

TOLERANCE_NS: Final = MINUTE_NS
"""A smaller difference is no jump, since clocks are corrected all the time."""

LASTING_NS: Final = DAY_NS
"""How long the agent must have run under a new time before it is believed."""

MAX_TIME_NS: Final = 2**62
"""The year 2116, and 1823: no clock is believed beyond."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The system's time, and the time since ``boot``, which names a start of the machine."""

    wall_ns: int
    running_ns: int
    boot: str


@dataclass(frozen=True, slots=True)
class ClockState:
    """The time that is believed, the reading at which it was, and how long the system's has been another one."""

    now_ns: int
    wall_ns: int
    running_ns: int
    boot: str
    deviates_ns: int = 0
    """By how much the system's time is ahead of the believed one, or behind it (negative); 0 if they agree."""
    lasted_ns: int = 0
    is_confirmed: bool = False
    """Whether a person has confirmed the system's time."""

    @property
    def safe_ns(self) -> int:
        """The time to remove by."""
        return min(self.now_ns, self.wall_ns)


def read_clocks() -> ClockReading:
    """Read both clocks."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return ClockReading(time.time_ns(), time.clock_gettime_ns(clock), _read_boot())


def _read_boot() -> str:
    if hasattr(time, "CLOCK_BOOTTIME"):
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            pass
    return f"process {os.getpid()}"


def advance(state: ClockState | None, reading: ClockReading, place: object) -> ClockState:
    """The state after another reading; what begins and ends is logged, naming ``place``."""
    reading = replace(reading, wall_ns=max(min(reading.wall_ns, MAX_TIME_NS), -MAX_TIME_NS))
    new = ClockState(reading.wall_ns, reading.wall_ns, reading.running_ns, reading.boot)
    if state is None:
        return new
    is_same_run = reading.boot == state.boot and reading.running_ns >= state.running_ns
    passed_ns = reading.running_ns - state.running_ns if is_same_run else 0
    expected_ns = state.now_ns + passed_ns
    deviates_ns = reading.wall_ns - expected_ns
    if abs(deviates_ns) <= TOLERANCE_NS:
        if state.deviates_ns:
            _log.info("%s: the clock agrees again with the time that has passed", place)
        return new
    if state.is_confirmed:
        _log.info("%s: the time %s was confirmed, and retention goes by it", place, _format(reading.wall_ns))
        return new
    is_new = state.deviates_ns * deviates_ns <= 0 or not _continues(state, deviates_ns, is_same_run)
    lasted_ns = 0 if is_new else state.lasted_ns + passed_ns
    if lasted_ns >= LASTING_NS:
        _log.info("%s: the time %s has lasted, and retention goes by it", place, _format(reading.wall_ns))
        return new
    if is_new:
        _log.log(
            logging.WARNING if is_same_run else logging.INFO,
            "%s: the clock is at %s, %s %s the time that has passed%s; what expires by that waits until it has "
            "lasted for a day, or `tsmon-agent confirm-clock` confirms it",
            place,
            _format(reading.wall_ns),
            timedelta(seconds=abs(deviates_ns) // SECOND_NS),
            "ahead of" if deviates_ns > 0 else "behind",
            "" if is_same_run else " while the machine ran",
        )
    return replace(new, now_ns=expected_ns, deviates_ns=deviates_ns, lasted_ns=lasted_ns)


def _continues(state: ClockState, deviates_ns: int, is_same_run: bool) -> bool:
    """Whether the system's time has moved on since the last reading as it should."""
    change_ns = deviates_ns - state.deviates_ns
    if is_same_run:
        return abs(change_ns) <= TOLERANCE_NS
    # How long the machine was off is not known.
    return -TOLERANCE_NS <= change_ns <= LASTING_NS


def _format(time_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns"
