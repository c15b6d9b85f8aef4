"""An event loop for a thread of the operating system."""

import asyncio
from typing import Any, Final

from tsmon.threads.native import find_original, is_patched

__all__ = ["close_event_loop", "create_event_loop"]

CANCEL_S: Final = 1.0
"""Seconds that tasks have for their end once they are cancelled."""


def create_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop that works in a real thread; create it in that thread."""
    return _NativeEventLoop() if is_patched() else asyncio.new_event_loop()


def close_event_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left on a loop that has stopped, and close it.

    Unlike ``asyncio.Runner``, this starts no thread to end the executor, which is impossible at the exit.
    """
    tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in tasks:
        if not task.cancelling():
            task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_S))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


class _NativeEventLoop(asyncio.SelectorEventLoop):
    """Waits and looks up host names without gevent, whose ways are for greenlets."""

    def __init__(self) -> None:
        super().__init__(find_original("selectors", "DefaultSelector")())

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """See :meth:`asyncio.loop.getaddrinfo`."""
        look_up = find_original("socket", "getaddrinfo")
        return await self.run_in_executor(None, look_up, host, port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        """See :meth:`asyncio.loop.getnameinfo`."""
        return await self.run_in_executor(None, find_original("socket", "getnameinfo"), sockaddr, flags)
