"""Times that tsmon takes itself: unique within the process, and increasing.

A taken time is that of the system clock, truncated to the microsecond, with the slot of the process in the lowest
three decimal digits, so that processes rarely collide. Two calls in the same microsecond are set one microsecond
apart. There is no lock to wait for: a clock is a generator, and Python itself detects one that is busy because
another thread, a signal handler or a finalizer intervened. The caller then uses another generator with another
slot. A generator that has ended, because a signal handler raised an exception in it, is replaced by such a one.
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

from tsmon.threads.locks import Attempt

__all__ = ["UniqueClock"]

_log = logging.getLogger("tsmon")

_SLOTS: Final = 1_000
_REBASE_US: Final = 1_000_000

_clocks: "weakref.WeakSet[UniqueClock]" = weakref.WeakSet()


class UniqueClock:
    """Source of unique times in integer nanoseconds since the epoch, increasing unless threads compete for it.

    ``read`` is the underlying clock (``time.time_ns``). A backward step of more than a second re-bases, which is
    logged, and takes another slot, because the repeated times were already used under the old one. Smaller steps
    are bridged by counting on in microseconds. ``slot`` is the slot of the process, by default derived from its
    id; a forked child takes a slot of its own.
    """

    def __init__(self, read: Callable[[], int] | None = None, *, slot: int | None = None) -> None:
        self._read = read
        self._slot = slot
        self.ticks: Iterator[str]
        """``next(ticks)`` is the fast path of :meth:`text`; if it raises ValueError or StopIteration, call the
        method."""
        self._start()
        _clocks.add(self)

    def __call__(self) -> int:
        """Next unique time in nanoseconds; safe in threads, signal handlers and finalizers."""
        return int(self.text())

    def text(self) -> str:
        """Next unique time in nanoseconds, as text for a line, which is cheaper to compose than a number."""
        try:
            return next(self.ticks)
        except ValueError:
            return self._from_spare()
        except StopIteration:
            self.ticks = self._new_ticks()
            return self.text()

    def _start(self) -> None:
        first = os.getpid() * 7 if self._slot is None else self._slot
        self._slots = deque((first + i) % _SLOTS for i in range(_SLOTS))
        self._spare: list[Iterator[str]] = []
        self.ticks = self._new_ticks()

    def _from_spare(self) -> str:
        for spare in list(self._spare):
            try:
                return next(spare)
            except ValueError:
                continue
            except StopIteration:
                self._spare = [other for other in self._spare if other is not spare]
        spare = self._new_ticks()
        text = next(spare)
        self._spare.append(spare)
        return text

    def _new_ticks(self) -> Iterator[str]:
        ticks = self._generate()
        return _Guarded(ticks) if _free_threaded() else ticks

    def _next_slot(self) -> str:
        # Taking a slot is atomic: two threads that create spares at the same time get different slots.
        slot = self._slots.popleft()
        self._slots.append(slot)
        return f"{slot:03}"

    def _generate(self) -> Generator[str, None, None]:
        read = self._read
        slot = self._next_slot()
        last_us = -1
        while True:
            now_us = (time.time_ns() if read is None else read()) // 1_000
            if now_us <= last_us:
                if last_us - now_us > _REBASE_US:
                    _log.warning("the system clock stepped back by %.3f s", (last_us - now_us) / 1e6)
                    slot = self._next_slot()
                else:
                    now_us = last_us + 1
            last_us = now_us
            yield f"{now_us}{slot}"


class _Guarded:
    """Ticks with a lock, for Pythons without a global lock, whose generators do not detect that they are busy."""

    def __init__(self, ticks: Iterator[str]) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._attempt = Attempt(self._lock)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        acquired = False
        try:
            with self._attempt as acquired:
                if not acquired:
                    raise ValueError("busy")
                return next(self._ticks)
        finally:
            if acquired:
                self._lock.release()


def _free_threaded() -> bool:
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def _after_fork() -> None:
    for clock in list(_clocks):
        clock._start()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
