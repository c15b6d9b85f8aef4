"""A thread for one sampler, so that one that hangs holds up nobody else, not even the exit."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["SamplerBusyError", "SamplerThread"]

T = TypeVar("T")


class SamplerBusyError(Exception):
    """The call before has not returned yet."""


class SamplerThread(Generic[T]):
    """Runs calls one after the other on a daemon thread; a call that takes too long is given up, not stopped.

    (Python cannot stop a thread that waits in the kernel. It stays until the kernel answers; its late result
    is thrown away, and until then :meth:`call` raises :class:`SamplerBusyError`.)
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], T], asyncio.Future[T]] | None] = queue.SimpleQueue()
        self._busy = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return self._busy

    async def call(self, work: Callable[[], T], limit_s: float) -> T:
        """Result of ``work()``; raises what it raises, or TimeoutError after ``limit_s`` seconds."""
        if self._busy:
            raise SamplerBusyError
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._busy = True
        self._calls.put((work, future))
        async with asyncio.timeout(limit_s):
            return await future

    def close(self) -> None:
        """End the thread when its call has returned."""
        self._calls.put(None)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            work, future = item
            result: T | None = None
            error: BaseException | None = None
            try:
                result = work()
            except BaseException as caught:
                error = caught
            self._busy = False
            try:
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more


def _settle(future: "asyncio.Future[T]", result: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
