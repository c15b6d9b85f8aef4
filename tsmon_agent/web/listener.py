"""Connections to the agent's pages: only so many, so that there are files left for what the agent is for."""

import asyncio
import logging
import resource
import ssl
import time
from collections import deque
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from tsmon.logs.rate_limited import RateLimitedLog

__all__ = ["listen", "most_connections", "quiet_about_nonsense"]

_log = logging.getLogger("aiohttp.server")

MOST: Final = 256
SHARE: Final = 4
"""Connections take at most one part in so many of the files that the process may open."""

BACKLOG: Final = 16
"""So many wait to be accepted: asyncio tries as often in a row where no file can be opened, and logs each."""

HANDSHAKE_S: Final = 5.0


def most_connections() -> int:
    """How many connections there may be at a time."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else max(min(MOST, files // SHARE), 1)


async def listen(server: web.Server, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Accept connections for a server; those that are too many are closed at once. Raises OSError."""
    most = most_connections()
    limited = RateLimitedLog()
    # Those whose handshake goes on are not among the server's connections, but no handshake is longer than this.
    begun: deque[float] = deque(maxlen=most)

    def protocol() -> asyncio.BaseProtocol:
        now = time.monotonic()
        hurried = tls is not None and len(begun) == most and now - begun[0] < HANDSHAKE_S
        if hurried or len(server.connections) >= most:
            limited.warning("connections", f"there are {most} connections to the pages, and no more are taken")
            return _Closed()
        begun.append(now)
        return server()

    return await asyncio.get_running_loop().create_server(
        protocol,
        host,
        port,
        ssl=tls,
        backlog=BACKLOG,
        ssl_handshake_timeout=None if tls is None else HANDSHAKE_S,
    )


def quiet_about_nonsense() -> None:
    """Log what is no HTTP as one line now and then, not each with a traceback."""
    if not any(isinstance(one, _Nonsense) for one in _log.filters):
        _log.addFilter(_Nonsense())


class _Closed(asyncio.Protocol):
    """A connection that is not taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class _Nonsense(logging.Filter):
    """Keeps records about requests that cannot be read to one line now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._limited = RateLimitedLog()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        self._limited.warning("nonsense", f"a request to the pages cannot be read: {error.message}")
        return False
