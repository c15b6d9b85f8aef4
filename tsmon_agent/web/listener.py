"""Connections to the agent's pages: limited, so that the agent itself can always open files."""

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

__all__ = ["limit_parse_errors", "listen", "max_connections"]

_log = logging.getLogger("aiohttp.server")

MOST_CONNECTIONS: Final = 256
SHARE: Final = 4
"""Connections take at most this fraction (one in so many) of the files that the process may open."""

BACKLOG: Final = 16
"""Connections waiting to be accepted. Where no file can be opened, asyncio logs that as many times in a row."""

HANDSHAKE_S: Final = 5.0


def max_connections() -> int:
    """How many connections there may be at the same time."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(min(MOST_CONNECTIONS, files // SHARE), 1)


async def listen(server: web.Server, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Accept connections for a server, and close at once those beyond the limit; raises OSError."""
    most = max_connections()
    limited = RateLimitedLog()
    # The server does not count connections during their handshake, which takes HANDSHAKE_S at most.
    started: deque[float] = deque(maxlen=most)

    def protocol() -> asyncio.BaseProtocol:
        now = time.monotonic()
        hurried = tls is not None and len(started) == most and now - started[0] < HANDSHAKE_S
        if hurried or len(server.connections) >= most:
            limited.warning("connections", f"there are {most} connections to the pages, and no more are accepted")
            return _Refused()
        started.append(now)
        return server()

    return await asyncio.get_running_loop().create_server(
        protocol,
        host,
        port,
        ssl=tls,
        backlog=BACKLOG,
        ssl_handshake_timeout=None if tls is None else HANDSHAKE_S,
    )


def limit_parse_errors() -> None:
    """Log requests that are not HTTP as one line now and then, instead of each with a traceback."""
    if not any(isinstance(one, _ParseErrors) for one in _log.filters):
        _log.addFilter(_ParseErrors())


class _Refused(asyncio.Protocol):
    """A connection beyond the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class _ParseErrors(logging.Filter):
    """Reduces records about requests that cannot be parsed to one line now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._limited = RateLimitedLog()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        self._limited.warning("parse errors", f"a request to the pages cannot be parsed: {error.message}")
        return False
