"""Times that tsmon takes itself: unique within the process, and increasing.

A taken time is the system clock's, cut to the microsecond, with the process' slot in the lowest three
decimal digits, so that processes seldom collide. Two calls in the same microsecond are set one microsecond
apart. No lock is taken: a clock is a generator, and one that is busy (another thread, a signal handler or a
finalizer came in between) is detected by Python itself; the caller then uses the next one, of another slot.
"""

import logging
import os
import time
from collections.abc import Callable, Generator
from typing import Final

__all__ = ["UniqueClock"]

_log = logging.getLogger("tsmon")

_SLOTS: Final = 1_000
_STEP_NS: Final = 1_000
_REBASE_NS: Final = 1_000_000_000


class UniqueClock:
    """Source of unique times in integer nanoseconds since the epoch.

    ``read`` is the underlying clock (``time.time_ns``); a backward step of more than a second re-bases, which
    is logged, and smaller ones are bridged by counting on in microseconds.
    """

    def __init__(self, read: Callable[[], int] | None = None, *, slot: int | None = None) -> None:
        self._read = read
        self._slot = (os.getpid() * 7 if slot is None else slot) % _SLOTS
        self._spare: list[Generator[int, None, None]] = []
        self.generator = self._generate(self._slot)

    def __call__(self) -> int:
        """Next unique time in nanoseconds; safe in threads, signal handlers and finalizers."""
        try:
            return next(self.generator)
        except ValueError:
            return self._from_spare()

    def _from_spare(self) -> int:
        for spare in list(self._spare):
            try:
                return next(spare)
            except ValueError:
                continue
        spare = self._generate((self._slot + 1 + len(self._spare)) % _SLOTS)
        self._spare.append(spare)
        return next(spare)

    def _generate(self, slot: int) -> Generator[int, None, None]:
        read = self._read
        last = -(2**63)
        while True:
            now = read() if read is not None else time.time_ns()
            now += slot - now % _STEP_NS
            if now <= last:
                if last - now > _REBASE_NS:
                    _log.warning("the system clock stepped back by %.3f s", (last - now) / 1e9)
                else:
                    now = last + _STEP_NS
            last = now
            yield now
