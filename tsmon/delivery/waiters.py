"""Waiting for progress of the delivery."""

import asyncio

__all__ = ["Waiters"]


class Waiters:
    """Coroutines of one event loop that wait for the same thing to happen again."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()

    async def wait(self, timeout_s: float | None) -> None:
        """Return at the next :meth:`wake`, or after ``timeout_s`` seconds."""
        future = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            self._futures.discard(future)

    def wake(self) -> None:
        """Let everything that waits now continue."""
        for future in self._futures:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(None)
