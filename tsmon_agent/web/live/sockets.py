"""The WebSockets of the open pages: each message is made once for all of them, and only while a page is open."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import WSCloseCode, web

from tsmon.time_units import MILLISECOND_NS
from tsmon_agent.auth import Role
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.openapi import operation, returns, returns_text
from tsmon_agent.web.requests.parameters import ParameterValues, choice, integer
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.security import Gate

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["LiveSockets"]

BEAT_S: Final = 5.0
"""A page takes a connection for dead that is silent for several of these periods."""

MARGIN_MS: Final = 2_000
"""A round that began this long before a page was made may end after it, so the page does not show its results."""

MESSAGES_WAITING: Final = 64
MOST_SOCKETS: Final = 64
CLOSE_TIMEOUT_S: Final = 1.0
LARGEST_TIME_MS: Final = 10**15 - 1


class _Socket:
    """The connection of one page; if the page is too slow it is aborted, and the page reconnects and reloads."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT_S, heartbeat=30.0, max_msg_size=1024, compress=False
        )
        self._messages: asyncio.Queue[str] = asyncio.Queue(MESSAGES_WAITING)

    def put(self, message: str) -> None:
        """Queue a message; never waits."""
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            if self._request.transport is not None:
                self._request.transport.abort()  # its buffers are full, so a close message would wait too

    async def send_all(self, may_still_see: Callable[[web.Request], Awaitable[bool]]) -> None:
        """Send queued messages until the connection ends, or its user may not see pages any more."""
        loop = asyncio.get_running_loop()
        next_check = loop.time() + BEAT_S
        while True:
            message = await self._messages.get()
            if loop.time() >= next_check:
                next_check = loop.time() + BEAT_S
                if not await may_still_see(self._request):
                    await self.response.close(code=WSCloseCode.POLICY_VIOLATION)
                    return
            await self.response.send_str(message)


class LiveSockets:
    """Sends the messages of each source to the open pages of its name."""

    def __init__(self, context: "AgentContext", version: str, gate: Gate, sources: Iterable[LiveSource]) -> None:
        self._context = context
        self._version = version
        self._gate = gate
        self._sources = {source.page: source for source in sources}
        self._sockets: dict[LiveSource, set[_Socket]] = {source: set() for source in self._sources.values()}
        self._broadcasts: dict[LiveSource, asyncio.Task[None]] = {}
        self._page = choice(
            "page", "Name of the page that is open.", self._sources, next(iter(self._sources.values()))
        )
        self._since = integer(
            "since",
            "Time in milliseconds since 1970 of the state that the page shows.",
            None,
            least=-LARGEST_TIME_MS,
            most=LARGEST_TIME_MS,
        )

    def routes(self) -> Iterable[web.RouteDef]:
        """The address of all WebSockets."""
        declared = operation(
            "Live messages, by WebSocket",
            "pages",
            returns(101, "The connection is a WebSocket from now on."),
            returns_text("A parameter is unknown or wrong, or this is not a WebSocket request.", status=400),
            returns_text("The request comes from a page of another site.", status=403),
            returns_text("Too many pages are open.", status=503),
            parameters=(self._page, self._since),
        )
        return (web.get("/live", requires_role(Role.SEE)(declared(self._connect)), allow_head=False),)

    async def close(self) -> None:
        """Close all connections with the code that tells the pages that the agent stops."""
        sockets = [socket for sockets in self._sockets.values() for socket in sockets]
        await asyncio.gather(
            *(socket.response.close(code=WSCloseCode.GOING_AWAY) for socket in sockets), return_exceptions=True
        )
        broadcasts, self._broadcasts = list(self._broadcasts.values()), {}
        for broadcast in broadcasts:
            broadcast.cancel()
        await asyncio.gather(*broadcasts, return_exceptions=True)

    async def _connect(self, request: web.Request, values: ParameterValues) -> web.StreamResponse:
        source, since_ms = values[self._page], values[self._since]
        if sum(map(len, self._sockets.values())) >= MOST_SOCKETS:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.")
        socket = _Socket(request)
        if not socket.response.can_prepare(request):
            raise web.HTTPBadRequest(text="This address is for WebSockets.")
        await socket.response.prepare(request)
        socket.put(msgspec.json.encode({"type": "hello", "version": self._version}).decode())
        if source.missed is not None and since_ms is not None:
            socket.put(source.missed(self._context, (since_ms - MARGIN_MS) * MILLISECOND_NS).decode())
        self._join(source, socket)
        sender = asyncio.create_task(socket.send_all(self._gate.may_still_see))
        try:
            async for _ in socket.response:
                pass  # pages send nothing; reading notices when they leave
        finally:
            self._leave(source, socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket.response

    def _join(self, source: LiveSource, socket: _Socket) -> None:
        self._sockets[source].add(socket)
        if source not in self._broadcasts:
            self._broadcasts[source] = asyncio.create_task(self._broadcast(source))

    def _leave(self, source: LiveSource, socket: _Socket) -> None:
        self._sockets[source].discard(socket)
        if not self._sockets[source] and source in self._broadcasts:
            self._broadcasts.pop(source).cancel()

    async def _broadcast(self, source: LiveSource) -> None:
        async for message in source.messages(self._context, BEAT_S):
            text = message.decode()
            for socket in self._sockets[source]:
                socket.put(text)
