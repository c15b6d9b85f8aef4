"""Which event loop a Monitor belongs to, and the ways there from other threads."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from tsmon.threads.event_loop import close_event_loop
from tsmon.threads.waiting import run_on_loop

if TYPE_CHECKING:
    import concurrent.futures

__all__ = ["LoopBinding", "run_on_new_loop", "wait_elsewhere"]

LOOK_S: Final = 0.005
"""Seconds between two looks at whether another thread has done its work."""


class LoopBinding:
    """The event loop that a Monitor belongs to, if any."""

    __slots__ = ("bound",)

    def __init__(self) -> None:
        self.bound: asyncio.AbstractEventLoop | None = None
        """The loop."""

    @property
    def is_working(self) -> bool:
        """Whether the loop runs."""
        return self.bound is not None and self.bound.is_running()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on it."""
        return self.bound is asyncio.get_running_loop()

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Belong to ``loop`` from now on; to none if the loop before has ended."""
        self.bound = loop

    def run(self, work: Coroutine[Any, Any, None]) -> "concurrent.futures.Future[None]":
        """Run ``work`` on the loop, from another thread."""
        assert self.bound is not None
        return run_on_loop(work, self.bound)

    def run_at_exit(self, work: Coroutine[Any, Any, None]) -> "concurrent.futures.Future[None]":
        """As :meth:`run`, while the interpreter exits: the loop's own threads have ended already."""
        from tsmon.scheduling.exit_executor import ExitExecutor

        assert self.bound is not None
        self.bound.call_soon_threadsafe(self.bound.set_default_executor, ExitExecutor(thread_name_prefix="tsmon"))
        return self.run(work)


def run_on_new_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` while the interpreter exits, on this thread."""
    from tsmon.scheduling.exit_executor import ExitExecutor

    loop = asyncio.new_event_loop()
    try:
        loop.set_default_executor(ExitExecutor(thread_name_prefix="tsmon"))
        loop.run_until_complete(work)
    finally:
        close_event_loop(loop)


async def wait_elsewhere(is_done: Callable[[], bool], timeout_s: float) -> None:
    """Wait at most ``timeout_s`` seconds for what another thread, or another task, does.

    By looking again and again: a future has a lock, which an interruption by a signal handler could leave held.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while not is_done():  # noqa: ASYNC110 - the other is a thread
                await asyncio.sleep(LOOK_S)
