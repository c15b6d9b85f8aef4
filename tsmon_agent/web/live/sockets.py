"""WebSockets of the open pages: each message is made once, and only while somebody looks."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import WSCloseCode, web

from tsmon_agent.auth import Role
from tsmon_agent.web.agent.pipeline_state import pipeline_state
from tsmon_agent.web.host.live_messages import HostMessages
from tsmon_agent.web.openapi import Answer, Parameter, documented
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.security import Gate
from tsmon_agent.web.streams.live_states import States

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["LiveSockets"]

_log = logging.getLogger("tsmon")

PAGES: Final = ("host", "pipeline", "streams")

BEAT_S: Final = 5.0
"""A page that hears nothing for some of these periods takes the connection for dead."""

PIPELINE_PERIOD_S: Final = 1.0
MARGIN_MS: Final = 2_000
"""How long before a page was made a round may have begun whose end it does not show."""

MESSAGES_WAITING: Final = 64
MOST_SOCKETS: Final = 64
CLOSE_TIMEOUT_S: Final = 1.0


class _Socket:
    """One page; one that is too slow to take its messages is cut off, comes again, and reads everything anew."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.WebSocketResponse(
            timeout=CLOSE_TIMEOUT_S, heartbeat=30.0, max_msg_size=1024, compress=False
        )
        self._messages: asyncio.Queue[str] = asyncio.Queue(MESSAGES_WAITING)

    def tell(self, message: str) -> None:
        """Queue a message; never waits."""
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            if self._request.transport is not None:
                self._request.transport.abort()  # its buffers are full: a farewell would only wait too

    async def send_all(self, may_still_see: Callable[[web.Request], Awaitable[bool]]) -> None:
        """Send what is queued, until the connection ends, or who opened the page may see no more."""
        loop = asyncio.get_running_loop()
        look_again = loop.time() + BEAT_S
        while True:
            message = await self._messages.get()
            if loop.time() >= look_again:
                look_again = loop.time() + BEAT_S
                if not await may_still_see(self._request):
                    await self.response.close(code=WSCloseCode.POLICY_VIOLATION)
                    return
            await self.response.send_str(message)


class LiveSockets:
    """Tells the open pages what is new."""

    def __init__(self, context: "AgentContext", version: str, gate: Gate) -> None:
        self._context = context
        self._version = version
        self._gate = gate
        self._sockets: dict[str, set[_Socket]] = {page: set() for page in PAGES}
        self._sources: dict[str, Callable[[], AsyncIterator[bytes]]] = {
            "host": self._host_messages,
            "pipeline": self._pipeline_messages,
            "streams": self._stream_messages,
        }
        self._tellers: dict[str, asyncio.Task[None]] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        """The only one."""
        return (web.get("/live", self.handle, allow_head=False),)

    @needs(Role.SEE)
    @documented(
        "What is new, by WebSocket",
        "pages",
        (101, Answer("The connection is a WebSocket from now on.")),
        (400, Answer("The page or the time is not understood, or this is no WebSocket.", {"text/plain": None})),
        (403, Answer("The request comes from a page of another site.", {"text/plain": None})),
        (503, Answer("Too many pages are open.", {"text/plain": None})),
        parameters=(
            Parameter("page", "Which page is open.", {"type": "string", "enum": list(PAGES)}),
            Parameter("since", "Time in milliseconds that the page is of.", {"type": "integer"}),
        ),
    )
    async def handle(self, request: web.Request) -> web.StreamResponse:
        """``GET /live?page=…``: upgrade, then tell until the page goes."""
        page = request.query.get("page", "host")
        if page not in self._sockets:
            raise web.HTTPBadRequest(text="The parameter page is none of host, pipeline, streams.")
        since_ns = _since(request)
        if sum(map(len, self._sockets.values())) >= MOST_SOCKETS:
            raise web.HTTPServiceUnavailable(text="Too many pages are open.")
        socket = _Socket(request)
        if not socket.response.can_prepare(request):
            raise web.HTTPBadRequest(text="This address is for WebSockets.")
        await socket.response.prepare(request)
        socket.tell(msgspec.json.encode({"type": "hello", "version": self._version}).decode())
        if page == "streams" and since_ns is not None:
            # What has happened since the page was made, or since it lost its connection.
            socket.tell(msgspec.json.encode(States.since(self._context, since_ns).message()).decode())
        self._join(page, socket)
        sender = asyncio.create_task(socket.send_all(self._gate.may_still_see))
        try:
            async for _ in socket.response:
                pass  # pages say nothing; reading is how their leaving is noticed
        finally:
            self._leave(page, socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket.response

    async def close(self) -> None:
        """Close all, telling the pages that the agent stops."""
        sockets = [socket for page in self._sockets.values() for socket in page]
        await asyncio.gather(
            *(socket.response.close(code=WSCloseCode.GOING_AWAY) for socket in sockets), return_exceptions=True
        )
        tellers, self._tellers = list(self._tellers.values()), {}
        for teller in tellers:
            teller.cancel()
        await asyncio.gather(*tellers, return_exceptions=True)

    def _join(self, page: str, socket: _Socket) -> None:
        self._sockets[page].add(socket)
        if page not in self._tellers:
            self._tellers[page] = asyncio.create_task(self._tell(page))

    def _leave(self, page: str, socket: _Socket) -> None:
        self._sockets[page].discard(socket)
        if not self._sockets[page] and page in self._tellers:
            self._tellers.pop(page).cancel()

    async def _tell(self, page: str) -> None:
        async for message in self._sources[page]():
            text = message.decode()
            for socket in self._sockets[page]:
                socket.tell(text)

    async def _host_messages(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        messages = HostMessages(self._context)
        with self._context.live.listen() as rounds:
            next_beat = loop.time()
            while True:
                try:
                    async with asyncio.timeout_at(next_beat):
                        new = await rounds.get()
                except TimeoutError:
                    next_beat = loop.time() + BEAT_S
                    yield messages.beat()
                    continue
                try:
                    message = messages.of_round(new)
                except Exception:
                    _log.exception("a round of the sampler %s cannot be shown", new.sampler)
                else:
                    yield message

    async def _pipeline_messages(self) -> AsyncIterator[bytes]:
        while True:
            yield msgspec.json.encode({"type": "pipeline", "pipeline": pipeline_state(self._context)})
            await asyncio.sleep(PIPELINE_PERIOD_S)

    async def _stream_messages(self) -> AsyncIterator[bytes]:
        with self._context.events.listen() as changes:
            now = States.now(self._context)
            while True:
                before, now = now, States.now(self._context)
                yield msgspec.json.encode(now.changed(before).message())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changes.next(), BEAT_S)
                changes.drain()  # what else the same round has found is in the same message


def _since(request: web.Request) -> int | None:
    """Time in nanoseconds that a page is of, a little before for rounds that were under way."""
    text = request.query.get("since")
    if text is None:
        return None
    if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 15:
        raise web.HTTPBadRequest(text="The parameter since is no time in milliseconds.")
    return (int(text) - MARGIN_MS) * 1_000_000
