"""A proxy between tsmon and the real InfluxDB that can be told to answer what the server cannot be made to say.

Requests go through to the server one connection each, unless a fault waits for them. With a TLS context it
terminates TLS; asked in absolute form or by CONNECT it is a forward proxy.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

__all__ = ["Fault", "Proxy", "Seen", "proxy_to"]

WAIT_S: Final = 10.0
LINGER_S: Final = 5.0


@dataclass(frozen=True)
class Fault:
    """What to do with one request.

    ``forward``: the server gets it and does its work, but its answer is lost. ``body_bytes``: after so many bytes
    of the body no more is read, and the fault takes place at once. Then ``status`` is answered with ``headers``
    and ``text``; without one the connection is ``reset``, or the client waits for ever.
    """

    status: int | None = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    forward: bool = False
    body_bytes: int | None = None
    reset: bool = False
    answer_bytes: int | None = None
    """Of the answer only so many bytes are sent; then the connection is reset."""
    trickle_s: float = 0.0
    """The answer is sent byte by byte, with so many seconds in between."""


@dataclass(frozen=True)
class Seen:
    """One request as it came in, and the peer's certificate where it gave one."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    certificate: object = None


class Proxy:
    """See the module; ``faults`` are for the next requests one by one, ``rule`` decides about those after them."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None, password: str = "") -> None:
        self._target = (host, port)
        self._tls = tls
        self._password = password
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._change = asyncio.Condition()
        self.faults: deque[Fault] = deque()
        self.rule: Callable[[Seen], Fault | None] = lambda seen: None
        self.seen: list[Seen] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def arrived(self, requests: int) -> None:
        """Wait until so many requests have come in."""
        async with asyncio.timeout(WAIT_S), self._change:
            await self._change.wait_for(lambda: len(self.seen) >= requests)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = request.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        fault = self.faults.popleft() if self.faults else None
        length = int(headers.get("content-length", 0))
        wanted = length if fault is None or fault.body_bytes is None else min(length, fault.body_bytes)
        body = await reader.readexactly(wanted)
        seen = Seen(method, target, headers, body, writer.get_extra_info("peercert"))
        async with self._change:
            self.seen.append(seen)
            self._change.notify_all()
        fault = fault or self.rule(seen)
        if self._password and headers.get("proxy-authorization") != self._password:
            fault = Fault(status=407)
        if fault is not None:
            await self._do(fault, seen, reader, writer)
            return False
        if method == "CONNECT":
            await self._tunnel(target, reader, writer)
        else:
            writer.write(await self._forwarded(seen))
            await writer.drain()
            await _close(writer)
        return False

    async def _do(
        self, fault: Fault, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if fault.forward:
            await self._forwarded(seen)
        if fault.status is not None:
            lines = [f"HTTP/1.1 {fault.status} Fault", f"Content-Length: {len(fault.text.encode())}"]
            lines += [f"{name}: {value}" for name, value in fault.headers.items()]
            answer = ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n" + fault.text).encode()
            answer = answer[: fault.answer_bytes]
            step = 1 if fault.trickle_s else len(answer)
            for start in range(0, len(answer), max(step, 1)):
                writer.write(answer[start : start + step])
                await writer.drain()
                await asyncio.sleep(fault.trickle_s)
        if fault.reset or fault.answer_bytes is not None:
            _reset(writer)
        elif fault.status is None:
            await asyncio.Event().wait()
        else:
            await _close(writer)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    while await reader.read(65536):
                        pass

    async def _forwarded(self, seen: Seen) -> bytes:
        """The server's whole answer."""
        reader, writer = await asyncio.open_connection(*self._target)
        try:
            parts = urlsplit(seen.target)
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            skip = {"connection", "proxy-authorization", "proxy-connection"}
            lines = [f"{seen.method} {path} HTTP/1.1", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in seen.headers.items() if name not in skip]
            writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + seen.body)
            return await reader.read()
        finally:
            writer.close()

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.transport.abort()


@contextlib.asynccontextmanager
async def proxy_to(port: int, *, tls: ssl.SSLContext | None = None, password: str = "") -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine, for the length of an ``async with`` block."""
    async with Proxy("127.0.0.1", port, tls=tls, password=password) as proxy:
        yield proxy


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    """End what is sent, gently: the client reads all of it, whatever it is still sending."""
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: what the client has not read yet is gone for it."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
