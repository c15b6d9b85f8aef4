"""Alarms: exceptions that a signal handler raises at a random moment, as Celery's SoftTimeLimitExceeded is."""

import contextlib
import gc
import random
import signal
from collections.abc import Callable, Iterator

__all__ = ["AlarmError", "Firing", "alarms", "interrupt"]


AGAIN_S = 0.2


class AlarmError(Exception):
    """Raised by the signal handler."""


def _raise_alarm(*_: object) -> None:
    raise AlarmError


@contextlib.contextmanager
def alarms(handler: Callable[..., object] = _raise_alarm) -> Iterator[None]:
    """Let the signal of alarms raise :class:`AlarmError` inside."""
    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Firing:
    """A value that gets the signal of alarms, or fails by itself, while it is read, printed, or called."""

    def __init__(self, *, by_signal: bool = True) -> None:
        self._by_signal = by_signal

    def __call__(self, *_: object, **__: object) -> str:
        if not callable(signal.getsignal(signal.SIGALRM)):
            return "a value"  # for pytest
        if not self._by_signal:
            raise AlarmError
        signal.raise_signal(signal.SIGALRM)
        return "its handler has returned"

    __str__ = __repr__ = to_line_protocol = __call__

    @property
    def error_code(self) -> int:
        """An attribute that tsmon reads."""
        return len(self())


def interrupt(work: Callable[[], object], times: int, longest_s: float = 0.000_3, seed: int = 5) -> None:
    """Repeat ``work`` on the main thread until it was interrupted ``times`` times.

    Each alarm comes after at most ``longest_s`` seconds, and must come through to here. Only if it came in a
    finalizer, where Python ignores all exceptions, another one follows.
    """
    draw = random.Random(seed)
    gc.collect(1)  # Not all: of a whole run, that takes a second each time.
    gc.disable()
    with contextlib.ExitStack() as stack:
        stack.callback(gc.enable)
        stack.enter_context(alarms())
        for _ in range(times):
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.000_001, longest_s), AGAIN_S)
                while True:
                    work()
            except AlarmError:
                signal.setitimer(signal.ITIMER_REAL, 0)
