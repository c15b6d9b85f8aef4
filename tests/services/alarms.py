"""Alarms: exceptions that a signal handler raises at a random moment, as Celery's SoftTimeLimitExceeded is."""

import random
import signal
from collections.abc import Callable

__all__ = ["AlarmError", "interrupt"]


AGAIN_S = 0.2


class AlarmError(Exception):
    """Raised by the signal handler."""


def _raise_alarm(*_: object) -> None:
    raise AlarmError


def interrupt(work: Callable[[], object], times: int, longest_s: float = 0.000_3, seed: int = 5) -> None:
    """Repeat ``work`` on the main thread until it was interrupted ``times`` times.

    Each alarm comes after at most ``longest_s`` seconds, and must come through to here. Only if it came in a
    finalizer, where Python ignores all exceptions, another one follows.
    """
    draw = random.Random(seed)
    before = signal.signal(signal.SIGALRM, _raise_alarm)
    try:
        for _ in range(times):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.000_001, longest_s), AGAIN_S)
                while True:
                    work()
            except AlarmError:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
