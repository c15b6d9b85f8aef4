"""An event loop for a thread of the operating system."""

import asyncio
from typing import Any

from tsmon.threads.native import find_original, is_patched

__all__ = ["create_event_loop"]


def create_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop that works in a real thread; create it in that thread."""
    return _NativeEventLoop() if is_patched() else asyncio.new_event_loop()


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
