"""Waiting for another thread in a way that the exception of a signal handler may end at any bytecode."""

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

from tsmon.threads.native import create_lock, is_patched
from tsmon.threads.waiting import poll

if TYPE_CHECKING:
    from _thread import LockType

__all__ = ["Gate"]


class Gate:
    """Opened once; any number of threads may wait for that.

    Unlike ``threading.Event`` it has no lock of its own that an interrupted thread could leave held: each wait has
    its own lock, and one that nobody waits for any more is released without effect.
    """

    __slots__ = ("_waiting", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        """Whether :meth:`open` was called."""
        self._waiting: deque[LockType] = deque()

    def open(self) -> None:
        """Let all continue that wait, now and later. Idempotent."""
        self.is_open = True
        with contextlib.suppress(IndexError):
            while True:
                self._waiting.popleft().release()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is open, after at most ``timeout_s`` seconds; meanwhile other greenlets run."""
        if is_patched():
            return poll(lambda: self.is_open, timeout_s)
        return self.wait_natively(timeout_s)

    def wait_natively(self, timeout_s: float | None = None) -> bool:
        """As :meth:`wait`, but no other greenlet of this thread runs."""
        lock = create_lock()
        lock.acquire()
        self._waiting.append(lock)
        if not self.is_open:
            lock.acquire(timeout=-1 if timeout_s is None else min(max(timeout_s, 0.0), threading.TIMEOUT_MAX))
        return self.is_open
