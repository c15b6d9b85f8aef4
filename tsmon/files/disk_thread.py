"""A thread for calls that use a disk. A disk may hang, such as that of a server that is away; then only it waits.

The thread is a daemon, so a call that never returns does not keep the process from exiting.
"""

import asyncio
import contextlib
import errno
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from tsmon.threads.native import NativeThread, create_lock, find_original, start_thread

if TYPE_CHECKING:
    from queue import SimpleQueue

__all__ = ["HANG_S", "DiskCall", "DiskHangsError", "DiskThread"]

R = TypeVar("R")

HANG_S: Final = 1.0
"""A disk hangs if it makes no progress for this many seconds."""

JOIN_S: Final = 0.05
"""How long to wait for the end of an idle thread."""


class DiskHangsError(TimeoutError):
    """A call did not return in time; it may still do so later."""

    def __init__(self) -> None:
        super().__init__(errno.ETIMEDOUT, "the disk does not answer")


class DiskCall(Generic[R]):
    """One call, from :meth:`DiskThread.submit`."""

    def __init__(self, function: "Callable[[DiskCall[R]], R]", queue: "_Queue") -> None:
        self._function = function
        self._queue = queue
        self._lock = create_lock()
        self._waiting: list[Callable[[], object]] = []
        self._result: R | None = None
        self._error: BaseException | None = None
        self.is_done = False
        """Whether it has returned or raised."""
        self._is_abandoned = False

    def result(self) -> R:
        """What the function has returned; raises what it has raised."""
        if self._error is not None:
            raise self._error
        return cast("R", self._result)

    def abandon(self) -> None:
        """Make every later :meth:`claim` fail."""
        with self._lock:
            self._is_abandoned = True

    def claim(self, settle: Callable[[], object]) -> bool:
        """In the function: call ``settle``, unless the call was abandoned; returns which of both."""
        with self._lock:
            if self._is_abandoned:
                return False
            settle()
        self._queue.progress_at = time.monotonic()
        return True

    def run(self) -> None:
        """Call the function."""
        try:
            self._result = self._function(self)
        except BaseException as error:
            self._error = error

    def finish(self) -> None:
        """Wake those who wait for it."""
        with self._lock:
            self.is_done = True
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def wake_when_done(self, wake: Callable[[], object]) -> None:
        """Call ``wake`` on the thread of the call when that is done, or now if it is."""
        with self._lock:
            if not self.is_done:
                self._waiting.append(wake)
                return
        wake()


class DiskThread:
    """Runs calls one at a time, in order. The thread ends with this object, or by :meth:`end`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue = _Queue()
        weakref.finalize(self, self._queue.calls.put, None).atexit = False

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return bool(self._queue.unfinished)

    @property
    def hangs(self) -> bool:
        """Whether a call is under way that makes no progress."""
        return bool(self._queue.unfinished) and time.monotonic() - self._queue.progress_at >= HANG_S

    def submit(self, function: Callable[[DiskCall[R]], R]) -> DiskCall[R]:
        """Call ``function`` after what was submitted before; here and now if no thread can be started any more."""
        queue = self._queue
        call = DiskCall(function, queue)
        with queue.lock:
            if not queue.unfinished:
                queue.progress_at = time.monotonic()
            try:
                if queue.thread is None:
                    queue.thread = start_thread(queue.work, self._name)
            except RuntimeError:  # The interpreter is ending.
                queue.thread = None
            else:
                queue.unfinished += 1
                queue.calls.put(call)
                return call
        call.run()
        call.finish()
        return call

    def end(self) -> None:
        """End the thread after what was submitted; another call starts another one."""
        queue = self._queue
        thread = queue.thread
        queue.calls.put(None)
        if isinstance(thread, threading.Thread) and not queue.unfinished:
            thread.join(JOIN_S)

    async def run(self, function: Callable[..., R], *args: Any, patience_s: float | None = HANG_S) -> R:
        """Call ``function``, and await its end; raises :class:`DiskHangsError` if the disk hangs.

        Then, or when this is cancelled, the call continues without anybody waiting for it.
        """
        return await self.wait(self.submit(lambda _: function(*args)), patience_s)

    async def wait(self, call: DiskCall[R], patience_s: float | None = HANG_S) -> R:
        """Await the end of ``call``; a cancellation waits, too, while the disk makes progress.

        If ``patience_s`` is None, wait as long as it takes, but end at once when cancelled.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        call.wake_when_done(partial(_wake, loop, done))
        if patience_s is None:
            await done
            return call.result()
        try:
            await self._wait(call, done, patience_s)
        except asyncio.CancelledError:
            with contextlib.suppress(DiskHangsError):
                await self._wait(call, done, patience_s)
            raise
        return call.result()

    def wait_now(self, call: DiskCall[R], patience_s: float = HANG_S) -> R:
        """The blocking form of :meth:`wait`."""
        done = create_lock()
        done.acquire()
        call.wake_when_done(done.release)
        while not call.is_done:
            done.acquire(timeout=self._queue.left_s(patience_s))
        return call.result()

    async def _wait(self, call: DiskCall[Any], done: "asyncio.Future[None]", patience_s: float) -> None:
        while not call.is_done:
            await asyncio.wait([done], timeout=self._queue.left_s(patience_s))


class _Queue:
    """What a thread shares with its :class:`DiskThread`, which it does not keep alive."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[DiskCall[Any] | None] = find_original("_queue", "SimpleQueue")()
        self.lock = create_lock()
        self.thread: threading.Thread | NativeThread | None = None
        self.unfinished = 0
        self.progress_at = 0.0

    def left_s(self, patience_s: float) -> float:
        """How long to wait before the disk hangs; raises :class:`DiskHangsError` if it does."""
        left_s = self.progress_at + patience_s - time.monotonic()
        if left_s <= 0:
            raise DiskHangsError
        return left_s

    def work(self) -> None:
        while True:
            call = self.calls.get()
            if call is None:
                with self.lock:
                    if self.calls.empty():
                        self.thread = None
                        return
                continue
            self.progress_at = time.monotonic()
            call.run()
            with self.lock:
                self.unfinished -= 1
                self.progress_at = time.monotonic()
            call.finish()
            del call


def _wake(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
    def finish() -> None:
        if not done.done():
            done.set_result(None)

    with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile.
        loop.call_soon_threadsafe(finish)
