"""Waiting for another thread without keeping the other greenlets of this one from running."""

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tsmon.threads.native import NativeThread, find_original, is_patched

if TYPE_CHECKING:
    from _thread import LockType

__all__ = ["NativeFuture", "join_thread", "poll", "run_on_loop", "sharing", "wait_for_result", "wait_until_done"]

T = TypeVar("T")

SHORTEST_POLL_S: Final = 0.000_5
LONGEST_POLL_S: Final = 0.01


class NativeFuture(concurrent.futures.Future[T]):
    """A future that real threads and greenlets share; wait for it with :func:`wait_for_result`."""

    def __init__(self) -> None:
        super().__init__()
        self._condition = threading.Condition(find_original("_thread", "RLock")())


def wait_for_result(future: concurrent.futures.Future[T], timeout_s: float | None = None) -> T:
    """The result of ``future``; raises its error, or :class:`TimeoutError` after ``timeout_s`` seconds."""
    if not is_patched():
        return future.result(timeout_s)
    if not wait_until_done(future, timeout_s):
        raise TimeoutError
    return future.result()


def wait_until_done(future: concurrent.futures.Future[Any], timeout_s: float | None = None) -> bool:
    """Whether ``future`` has ended, after at most ``timeout_s`` seconds."""
    if is_patched():
        return poll(future.done, timeout_s)
    return future in concurrent.futures.wait([future], timeout_s).done


def join_thread(thread: "NativeThread | threading.Thread") -> None:
    """Wait for the end of ``thread``."""
    if isinstance(thread, NativeThread):
        poll(lambda: not thread.is_alive, None)
    else:
        thread.join()


def sharing(lock: "LockType") -> "LockType | _PollingLock":
    """``lock`` for a ``with`` block that may wait for something; other greenlets run meanwhile."""
    return _PollingLock(lock) if is_patched() else lock


class _PollingLock:
    __slots__ = ("_lock",)

    def __init__(self, lock: "LockType") -> None:
        self._lock = lock

    def __enter__(self) -> None:
        poll(lambda: self._lock.acquire(blocking=False), None)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def run_on_loop(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> NativeFuture[T]:
    """As ``asyncio.run_coroutine_threadsafe``, with a future that greenlets may wait for."""
    future = NativeFuture[T]()

    def begin() -> None:
        if future.cancelled():
            work.close()
            return
        task = loop.create_task(work)
        task.add_done_callback(finish)
        future.add_done_callback(lambda _: cancel(task))

    def cancel(task: asyncio.Task[T]) -> None:
        if future.cancelled():
            with contextlib.suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(task.cancel)

    def finish(task: asyncio.Task[T]) -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    loop.call_soon_threadsafe(begin)
    return future


def poll(is_done: Callable[[], bool], timeout_s: float | None) -> bool:
    """Wait until ``is_done()``; the sleep is gevent's, in which other greenlets run."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    pause_s = SHORTEST_POLL_S
    while not is_done():
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_POLL_S)
    return True
