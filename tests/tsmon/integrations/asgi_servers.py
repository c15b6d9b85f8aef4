"""Real ASGI servers around an application, and a client on a bare socket that notes when its last byte came."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import uvicorn

from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware

__all__ = ["SERVERS", "Answer", "fetch", "leave_during", "serve", "serve_uvicorn", "unused_port"]

Server = Callable[[Any], Any]


@asynccontextmanager
async def serve_uvicorn(app: Any, **options: Any) -> AsyncIterator[int]:
    options = {"port": 0, "log_config": None, "ws": "websockets-sansio", "timeout_graceful_shutdown": 1} | options
    config = uvicorn.Config(app, **options)
    server = uvicorn.Server(config)
    config.load()
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started or task.done())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serve_hypercorn(app: Any, **options: Any) -> AsyncIterator[int]:
    config = hypercorn.config.Config()
    config.bind = ["127.0.0.1:0"]
    config.graceful_timeout = 0.2
    config.errorlog = None
    for name, value in options.items():
        setattr(config, name, value)
    sockets = config.create_sockets()
    port = sockets.insecure_sockets[0].getsockname()[1]
    config.create_sockets = lambda: sockets  # type: ignore[method-assign]
    stopped = asyncio.Event()
    task = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stopped.wait))  # type: ignore[arg-type]
    await eventually(lambda: _is_listening(port))
    try:
        yield port
    finally:
        stopped.set()
        await task


def unused_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


SERVERS: dict[str, Server] = {"uvicorn": serve_uvicorn, "hypercorn": serve_hypercorn}


@asynccontextmanager
async def serve(app: Any, server: Server = serve_uvicorn, **options: Any) -> AsyncIterator[int]:
    """Serve ``app`` with the middleware around it; yield the port."""
    async with server(RequestMiddleware(app, Monitor(service="web")), **options) as port:
        yield port


@dataclass
class Answer:
    """What a client got."""

    status: int
    body: bytes
    time_s: float
    """From its first byte to the last one that it got."""


async def fetch(
    port: int, path: str, method: str = "GET", *, host: str = "x", more: Callable[[], Awaitable[None]] | None = None
) -> Answer:
    """Send a request on a connection of its own, which stays open; return the response as soon as it is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started_s = time.perf_counter()
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = b""
        if method == "HEAD" or status in (204, 304):
            pass
        elif "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        answer = Answer(status, body, time.perf_counter() - started_s)
        if more is not None:
            await more()
        return answer
    finally:
        writer.close()


async def leave_during(port: int, path: str, begun: Callable[[], Any], method: str = "GET") -> None:
    """Send a request and disconnect as soon as ``begun``."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await eventually(begun)
    writer.transport.abort()
