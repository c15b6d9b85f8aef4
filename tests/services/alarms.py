"""Alarms: exceptions that a signal handler raises at a random moment, as Celery's SoftTimeLimitExceeded is."""

import random
import signal
from collections.abc import Callable

__all__ = ["AlarmError", "interrupt"]


class AlarmError(Exception):
    """Raised by the signal handler."""


def _raise_alarm(*_: object) -> None:
    raise AlarmError


def interrupt(work: Callable[[], object], times: int, longest_s: float = 0.000_3, seed: int = 5) -> None:
    """Repeat ``work`` on the main thread until it was interrupted ``times`` times.

    Each alarm comes once, after at most ``longest_s`` seconds, and must come through to here.
    """
    draw = random.Random(seed)
    before = signal.signal(signal.SIGALRM, _raise_alarm)
    try:
        for _ in range(times):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.000_001, longest_s))
                while True:
                    work()
            except AlarmError:
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
