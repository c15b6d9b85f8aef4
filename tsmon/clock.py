"""Times that tsmon takes itself: unique within the process, and increasing.

A taken time is the system clock's, cut to the microsecond, with the process' slot in the lowest three
decimal digits, so that processes seldom collide. Two calls in the same microsecond are set one microsecond
apart. Nobody waits for a lock: a clock is a generator, and one that is busy (another thread, a signal handler
or a finalizer came in between) is detected by Python itself; the caller then uses the next one, of another
slot. So does whoever finds one that ended, because a signal handler raised an exception in it.
"""

import logging
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Final, Self

__all__ = ["UniqueClock"]

_log = logging.getLogger("tsmon")

_SLOTS: Final = 1_000
_STEP_NS: Final = 1_000
_REBASE_NS: Final = 1_000_000_000

_clocks: "weakref.WeakSet[UniqueClock]" = weakref.WeakSet()


class UniqueClock:
    """Source of unique times in integer nanoseconds since the epoch, increasing unless threads compete for it.

    ``read`` is the underlying clock (``time.time_ns``); a backward step of more than a second re-bases, which
    is logged, and smaller ones are bridged by counting on in microseconds. ``slot`` is the process' slot, by
    default made from its id; a forked child takes one of its own.
    """

    def __init__(self, read: Callable[[], int] | None = None, *, slot: int | None = None) -> None:
        self._read = read
        self._slot = slot
        self._start()
        _clocks.add(self)

    def __call__(self) -> int:
        """Next unique time in nanoseconds; safe in threads, signal handlers and finalizers."""
        try:
            return next(self.ticks)
        except (ValueError, StopIteration):
            return self._from_spare()

    def _start(self) -> None:
        first = os.getpid() * 7 if self._slot is None else self._slot
        self._slots = deque((first + i) % _SLOTS for i in range(_SLOTS))
        self._spare: list[Iterator[int]] = []
        self.ticks = self._new_ticks()
        """``next(ticks)`` is a call without its detour: it gives the next time, or raises ValueError or
        StopIteration where the clock itself has to be called."""

    def _from_spare(self) -> int:
        for spare in list(self._spare):
            try:
                return next(spare)
            except (ValueError, StopIteration):
                continue
        spare = self._new_ticks()
        time_ns = next(spare)
        self._spare.append(spare)
        return time_ns

    def _new_ticks(self) -> Iterator[int]:
        # Taking a slot is atomic: two threads that make spares at once get different ones.
        slot = self._slots.popleft()
        self._slots.append(slot)
        ticks = self._generate(slot)
        return _Guarded(ticks) if _free_threaded() else ticks

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


class _Guarded:
    """Ticks that guard themselves, for Pythons without a global lock, whose generators do not."""

    def __init__(self, ticks: Iterator[int]) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> int:
        if not self._lock.acquire(blocking=False):
            raise ValueError("busy")
        try:
            return next(self._ticks)
        finally:
            self._lock.release()


def _free_threaded() -> bool:
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def _after_fork() -> None:
    for clock in list(_clocks):
        clock._start()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
