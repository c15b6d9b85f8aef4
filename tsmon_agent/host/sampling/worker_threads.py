"""Threads for calls that may hang. A hanging call delays no other call, and not the exit.

As long as calls return quickly, one thread makes all of them in turn; a thread per call would cost as much as most
calls do. When a call has waited for :data:`PATIENCE_S`, another thread takes it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

__all__ = ["Call", "CallResult", "TimeLimitError", "WorkerThreads"]

T = TypeVar("T")

PATIENCE_S: Final = 0.02
"""How long a call waits for the previous one, in seconds."""

NO_THREAD_S: Final = 1.0
"""How long a call waits for a thread, in seconds beyond its time limit: the system may refuse more threads."""


class TimeLimitError(Exception):
    """The call did not return in time and was abandoned."""


@dataclass(frozen=True, slots=True)
class CallResult(Generic[T]):
    """Result or exception of a call; :class:`TimeLimitError` if it was abandoned."""

    result: T | None
    error: BaseException | None
    duration_s: float
    """Duration in seconds; the time limit if the call was abandoned."""


class Call(Generic[T]):
    """One call; shows later whether it still hangs."""

    __slots__ = ("began_s", "done", "limit_s", "outcome", "returned", "submitted_s", "timer", "work")

    def __init__(self, work: Callable[[], T], limit_s: float, done: Callable[[CallResult[T]], None]) -> None:
        self.work = work
        self.limit_s = limit_s
        self.done: Callable[[CallResult[T]], None] | None = done
        self.submitted_s = time.monotonic()
        self.began_s: float | None = None
        self.returned = False
        """Whether the work has returned or raised, in time or late."""
        self.outcome: CallResult[T] | None = None
        self.timer: asyncio.TimerHandle | None = None


class WorkerThreads:
    """Makes calls on daemon threads. A call that takes too long is abandoned, not stopped.

    Python cannot stop a thread that waits in the kernel. It remains until the kernel returns; its result is then
    discarded. All methods belong to one event loop, on which each ``done`` is called exactly once, unless
    :meth:`close` comes first.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._ready = threading.Condition()
        self._waiting: deque[Call[Any]] = deque()
        self._finished: deque[Call[Any]] = deque()
        self._open: set[Call[Any]] = set()
        self._threads = 0
        self._idle = 0
        self._closed = False
        self._patience: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, work: Callable[[], T], limit_s: float, done: Callable[[CallResult[T]], None]) -> Call[T]:
        """Submit ``work()``; ``limit_s`` is in seconds from the start of the call."""
        self._loop = loop = asyncio.get_running_loop()
        call = Call(work, limit_s, done)
        call.timer = loop.call_later(limit_s, self._check_time_limit, call)
        self._open.add(call)
        with self._ready:
            self._waiting.append(call)
            self._ready.notify()
            begin = not self._threads
        if begin:
            self._add_thread()
        if self._patience is None:
            self._patience = loop.call_later(PATIENCE_S, self._relieve_waiting)
        return call

    async def call(self, work: Callable[[], T], limit_s: float) -> CallResult[T]:
        """Submit ``work()`` and wait for its result."""
        future: asyncio.Future[CallResult[T]] = asyncio.get_running_loop().create_future()

        def done(outcome: CallResult[T]) -> None:
            if not future.done():
                future.set_result(outcome)

        self.submit(work, limit_s, done)
        return await future

    def close(self) -> None:
        """Make no more calls; each thread ends when its call has returned."""
        for call in self._open:
            call.done = None
            assert call.timer is not None
            call.timer.cancel()
        self._open.clear()
        if self._patience is not None:
            self._patience.cancel()
        with self._ready:
            self._closed = True
            self._waiting.clear()
            self._ready.notify_all()

    def _add_thread(self) -> None:
        with self._ready:
            self._threads += 1
        try:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        except RuntimeError:
            with self._ready:
                self._threads -= 1

    def _relieve_waiting(self) -> None:
        """Start threads for overdue calls, and deliver results that are ready."""
        assert self._loop is not None
        self._patience = None
        with self._ready:
            now = time.monotonic()
            overdue = sum(now - call.submitted_s >= PATIENCE_S for call in self._waiting) - self._idle
            waiting = bool(self._waiting)
        for _ in range(overdue):
            self._add_thread()
        if waiting:
            self._patience = self._loop.call_later(PATIENCE_S, self._relieve_waiting)
        # Only after the check of waiting calls: a thread that saw one waiting leaves delivery to this method.
        self._deliver_results()

    def _deliver_results(self) -> None:
        while self._finished:
            call = self._finished.popleft()
            assert call.outcome is not None
            self._settle(call, call.outcome)
        if not self._open and self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _settle(self, call: Call[T], outcome: CallResult[T]) -> None:
        assert call.timer is not None
        call.timer.cancel()
        self._open.discard(call)
        done, call.done = call.done, None
        if done is not None:
            done(outcome)

    def _check_time_limit(self, call: Call[Any]) -> None:
        if call.outcome is not None:
            return  # its result is delivered next
        now = time.monotonic()
        give_up_s = call.submitted_s + NO_THREAD_S if call.began_s is None else call.began_s
        left_s = give_up_s + call.limit_s - now
        if left_s > 0:
            assert self._loop is not None
            call.timer = self._loop.call_later(left_s, self._check_time_limit, call)
            return
        with self._ready:
            if call in self._waiting:
                self._waiting.remove(call)
                call.returned = True
        error = TimeLimitError(f"it did not return within {call.limit_s:g} s")
        self._settle(call, CallResult(None, error, call.limit_s))

    def _run(self) -> None:
        while (call := self._next()) is not None:
            _execute(call)
            self._finished.append(call)
            if not self._waiting:
                assert self._loop is not None
                try:
                    self._loop.call_soon_threadsafe(self._deliver_results)
                except RuntimeError:
                    return  # the loop is closed; nobody waits for results

    def _next(self) -> Call[Any] | None:
        """The call that has waited longest; None if this thread is no longer needed."""
        with self._ready:
            self._idle += 1
            try:
                while not self._waiting:
                    if self._closed or self._idle > 1:
                        self._threads -= 1
                        return None
                    self._ready.wait()
                call = self._waiting.popleft()
                call.began_s = time.monotonic()
                return call
            finally:
                self._idle -= 1


def _execute(call: Call[Any]) -> None:
    result: Any = None
    error: BaseException | None = None
    began = time.perf_counter()
    try:
        result = call.work()
    except BaseException as caught:
        error = caught
    call.outcome = CallResult(result, error, time.perf_counter() - began)
    call.returned = True
