"""A thread with an event loop, which belongs to nobody: whatever interrupts its users, it keeps its own state.

Signal handlers run on the main thread and may raise between any two bytecodes there. So that thread changes nothing
here in more than one step: it claims (``dict.setdefault``), appends to a deque, or waits at a gate. The rest
happens on the thread itself, which no signal interrupts.
"""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from tsmon.threads.event_loop import close_event_loop, create_event_loop
from tsmon.threads.gate import Gate
from tsmon.threads.native import NativeThread, find_original, is_patched, start_thread
from tsmon.threads.waiting import join_thread

__all__ = ["Call", "LoopThread", "ThreadEndedError"]

T = TypeVar("T")

RUN: Final = "run"
ABANDONED: Final = object()
SUCCESSOR: Final = "successor"
LAST: Final = "last"


class ThreadEndedError(Exception):
    """The thread has ended, or ends, without the result."""


class Call(Generic[T]):
    """Work for the event loop of a :class:`LoopThread`, and its result. It is begun at most once."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._result: T
        self._error: BaseException | None = None
        self._done = Gate()
        self.is_cancelled = False
        """Whether the work was cancelled, or is not to be begun."""

    @property
    def is_done(self) -> bool:
        """Whether there is a result, or an error."""
        return self._done.is_open

    def wait(self) -> T:
        """The result; raises the error of the work, or :class:`ThreadEndedError`."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on ``loop``, which runs this. Idempotent."""
        if self.is_cancelled:
            self.fail()
        elif self._task is None and not self.is_done:
            self._task = loop.create_task(self._work())
            self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Cancel the work, on its loop."""
        self.is_cancelled = True
        if self._task is not None:
            self._task.cancel()

    def fail(self) -> None:
        """Without a result, the thread ends."""
        if not self.is_done:
            self._error = ThreadEndedError()
            self._done.open()

    def _finish(self, task: asyncio.Task[T]) -> None:
        # Freed on the loop's thread: Python ignores what a signal handler raises while it frees a task.
        self._task = None
        if self.is_done:
            return
        if task.cancelled():
            self.is_cancelled = True
            self.fail()
            return
        if (error := task.exception()) is not None:
            self._error = error
        else:
            self._result = task.result()
        self._done.open()


class LoopThread:
    """A daemon thread with an event loop; it runs once, in the process that made it.

    ``prepare`` is called on the new loop before it runs.
    """

    def __init__(self, name: str, prepare: Callable[[asyncio.AbstractEventLoop], object]) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop, once it runs."""
        self.is_ending = False
        """Whether no more work is begun."""
        self._name = name
        self._prepare = prepare
        self._process = os.getpid()
        self._claims: dict[str, Any] = {}
        self._calls: deque[Call[Any]] = deque()
        self._live: set[Call[Any]] = set()
        self._thread: NativeThread | threading.Thread | None = None
        self._error: Exception | None = None
        self._ready = Gate()
        self._ended = Gate()
        self._is_lost = False

    @property
    def has_run(self) -> bool:
        """Whether it has begun to run and not ended since, in whichever process."""
        return self.loop is not None and not self._ended.is_open and not self._is_lost

    @property
    def is_here(self) -> bool:
        """Whether it belongs to this process, and not to one of which this is a fork."""
        return self._process == os.getpid()

    @property
    def is_running(self) -> bool:
        """Whether it runs, in this process."""
        return self.has_run and self.is_here

    @property
    def has_ended(self) -> bool:
        """Whether it has run, and does not any more."""
        return self._ended.is_open

    @property
    def is_usable(self) -> bool:
        """Whether it can run here, or runs and is not to end."""
        is_used_up = self.is_ending or self._is_lost or self.last is not None or self.claimed(RUN) is ABANDONED
        return self.is_here and not is_used_up

    @property
    def last(self) -> Call[Any] | None:
        """The call that ends it, if there is one."""
        last: Call[Any] | None = self.claimed(LAST)
        return last

    def claim(self, name: str, value: T) -> T:
        """The first value that anybody has claimed for ``name``: ``value``, if nobody has before."""
        first: T = self._claims.setdefault(name, value)
        return first

    def claimed(self, name: str) -> Any:
        """What was claimed for ``name``; None if nothing was."""
        return self._claims.get(name)

    def find_usable(self) -> "LoopThread":
        """This thread if it can run, or runs, else its successor."""
        thread = self
        while not thread.is_usable:
            thread = thread.claim(SUCCESSOR, LoopThread(self._name, self._prepare))
        return thread

    def start(self) -> asyncio.AbstractEventLoop:
        """Return the loop once it runs; raises :class:`RuntimeError` while the interpreter exits. Idempotent."""
        if not self._ready.is_open:
            if is_patched():
                self._thread = NativeThread(self._run, self._name)
            else:
                # Thread.start() waits for the new thread, and that wait must not be interrupted.
                find_original("_thread", "start_new_thread")(self._begin_thread, ())
            # A few microseconds, and without greenlets, which an emit() in a forked child may not wake.
            self._ready.wait_natively()
        if self._error is not None:
            raise self._error
        if self.loop is None:
            raise ThreadEndedError
        return self.loop

    def abandon(self) -> bool:
        """Whether it has never run and never will. If it is about to run, wait until it does."""
        if self.claim(RUN, ABANDONED) is ABANDONED:
            return True
        self._ready.wait_natively()
        return self.loop is None

    def submit(self, call: Call[Any]) -> None:
        """Begin ``call`` soon, unless it has begun; from any thread."""
        self._calls.append(call)
        if self.loop is not None:
            with contextlib.suppress(RuntimeError):  # It is closed.
                self.loop.call_soon_threadsafe(self._begin_calls)
        if self.has_ended:
            self._fail_calls()

    def end_with(self, call: Call[T]) -> Call[T]:
        """Begin ``call``, which ends the thread, unless another one does already; returns the one that does."""
        last = self.claim(LAST, call)
        self.submit(last)
        return last

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run ``work`` on the loop and return its result; if that wait is interrupted, cancel it."""
        call = Call(work)
        try:
            self.submit(call)
            return call.wait()
        except BaseException:
            self.cancel(call)
            raise

    def cancel(self, call: Call[Any]) -> None:
        """Cancel ``call`` soon, from any thread."""
        if not call.is_done and self.loop is not None:
            call.is_cancelled = True
            with contextlib.suppress(RuntimeError):  # It is closed.
                self.loop.call_soon_threadsafe(call.cancel)

    def end(self) -> None:
        """End, on the thread itself."""
        self.is_ending = True
        if self.loop is not None:
            self.loop.stop()

    def wait_until_ended(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended, after at most ``timeout_s`` seconds."""
        if not self._ended.wait(timeout_s):
            return False
        if self._thread is not None:
            join_thread(self._thread)
        return True

    def lose(self) -> None:
        """Wait for it no longer."""
        self._is_lost = True

    def _begin_thread(self) -> None:
        if (claimed := self.claimed(RUN)) is not None:
            if claimed is ABANDONED:
                self._ready.open()
            return
        try:
            start_thread(self._run, self._name)
        except RuntimeError as error:
            if self.claim(RUN, ABANDONED) is ABANDONED:
                self._error = error
                self._ready.open()

    def _run(self) -> None:
        own = object()
        claimed = self._claims.setdefault(RUN, own)
        if claimed is ABANDONED:
            self._ready.open()
        if claimed is not own:
            return
        if not is_patched():
            self._thread = threading.current_thread()
        try:
            self._run_loop()
        finally:
            self.is_ending = True
            self._ended.open()
            self._ready.open()
            self._fail_calls()
            for call in list(self._live):
                call.fail()

    def _run_loop(self) -> None:
        try:
            loop = create_event_loop()
            self._prepare(loop)
        except Exception as error:
            self._error = error
            return
        self.loop = loop
        loop.call_soon(self._ready.open)
        loop.run_forever()
        self.is_ending = True
        close_event_loop(loop)

    def _begin_calls(self) -> None:
        assert self.loop is not None
        while self._calls:
            call = self._calls.popleft()
            if self.is_ending:
                call.fail()
                continue
            call.begin(self.loop)
            self._live = {one for one in self._live if not one.is_done} | {call}

    def _fail_calls(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._calls.popleft().fail()
