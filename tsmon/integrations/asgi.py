"""ASGI applications (Starlette, FastAPI, Django, Quart, …): a point for every request.

::

    app = FastAPI()
    app.add_middleware(RequestMiddleware, monitor=Monitor(service="catalogue"))

Follows the ASGI specification (3.0, HTTP and WebSocket 2.5, lifespan 2.0) and needs no framework.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Unpack

from tsmon.integrations.asgi_route import find_route
from tsmon.integrations.lifetime import Lifetime
from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    REQUEST_ID_HEADER,
    OpenRequest,
    RecorderOptions,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.monitor.monitor import Monitor

__all__ = ["RecorderOptions", "RequestMiddleware", "set_error_code", "set_route"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

FORBIDDEN: Final = 403
"""Status with which a server answers a WebSocket that the application closes before accepting it."""


class RequestMiddleware:
    """Records every HTTP request and WebSocket of ``app``, which it wraps.

    An HTTP request lasts until its body has been sent, a WebSocket (status 101) until its end. If the client
    disconnects earlier, the status is 499; after an exception it is 500. A status of ``errors_from`` (400 by
    default) or above is an error. The route is the template that the framework puts into the scope, or the one that
    the application sets by :func:`set_route`.

    ``monitor`` starts and stops with the application's lifespan, each time there is one, or starts with the first
    request where the server has none. If it cannot start, that is logged and tried again, and the application runs.
    With ``manages_monitor=False`` the caller starts and stops it. :class:`RecorderOptions` describes the other
    options; functions of ``fill`` take the scope, with what the application has put into it.
    """

    def __init__(
        self,
        app: Application,
        monitor: Monitor,
        *,
        request_id_header: str = REQUEST_ID_HEADER,
        manages_monitor: bool = True,
        **options: Unpack[RecorderOptions],
    ) -> None:
        self.app = app
        self.monitor = monitor
        self._recorder = RequestRecorder(monitor, **options)
        self._id_header = request_id_header.lower().encode("latin-1")
        self._life = Lifetime(monitor) if manages_monitor else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        kind = scope["type"]
        life = self._life
        if kind == "lifespan" and life is not None:
            await self._serve_lifespan(life, scope, receive, send)
        elif kind == "http" or kind == "websocket":
            if life is not None and not life.has_begun:
                await life.begin(ends=False)
            if self._recorder.enabled:
                await self._serve_request(scope, receive, send, websocket=kind == "websocket")
            else:
                await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send, *, websocket: bool) -> None:
        root = scope.get("root_path", "")
        opened = self._recorder.begin()
        response = _Response(receive, send)
        status = 500
        error: BaseException | None = None
        try:
            await self.app(scope, response.receive, response.send_websocket if websocket else response.send_http)
            status = response.websocket_status() if websocket else response.http_status()
        except asyncio.CancelledError:
            status = 101 if websocket and response.status == 101 else CLIENT_CLOSED_REQUEST
            raise
        except Exception as caught:
            error = caught
            status = CLIENT_CLOSED_REQUEST if response.disconnected and not response.complete else 500
            raise
        finally:
            self._end(opened, scope, root, status, error)

    def _end(self, opened: OpenRequest, scope: Scope, root: str, status: int, error: BaseException | None) -> None:
        resource = request_id = None
        try:
            if opened.resource is None:
                resource = find_route(scope, root)
            for name, value in scope["headers"]:
                if name == self._id_header:
                    request_id = value.decode("latin-1")
                    break
        except Exception as failure:
            self._recorder.report_failure(failure)
        if self._recorder.fills:
            self._recorder.fill_columns(opened, scope)
        self._recorder.end(
            opened,
            method=scope.get("method", "GET"),
            resource=resource,
            status=status,
            error=error,
            request_id=request_id,
        )

    async def _serve_lifespan(self, life: Lifetime, scope: Scope, receive: Receive, send: Send) -> None:
        received = answered = False

        async def receive_and_mark() -> Message:
            nonlocal received
            message = await receive()
            received = True
            return message

        async def send_and_stop(message: Message) -> None:
            nonlocal answered
            answered = True
            # The server may end the process as soon as the application reports that it has shut down.
            if message["type"] != "lifespan.startup.complete":
                await life.end()
            await send(message)

        await life.begin()
        try:
            try:
                await self.app(scope, receive_and_mark, send_and_stop)
            except Exception:
                if answered:
                    raise
            if not answered:
                # The application has no lifespan of its own; the monitor's continues.
                if not received:
                    await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await life.end()
                await send({"type": "lifespan.shutdown.complete"})
        finally:
            await life.end()


class _Response:
    """How much of a response has been sent, and whether the client is still connected."""

    __slots__ = ("_receive", "_send", "complete", "disconnected", "status")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.status = 0
        self.complete = False
        self.disconnected = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] in ("http.disconnect", "websocket.disconnect"):
            self.disconnected = True
        return message

    async def send_http(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        await self._forward(message)
        if kind == "http.response.body":
            self.complete = not message.get("more_body", False)
        elif kind == "http.response.pathsend":
            self.complete = True

    async def send_websocket(self, message: Message) -> None:
        kind = message["type"]
        await self._forward(message)
        if kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.close" and not self.status:
            self.status = FORBIDDEN

    async def _forward(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            self.disconnected = True
            raise

    def http_status(self) -> int:
        """Return the status of a request whose application returned."""
        if self.disconnected and not self.complete:
            return CLIENT_CLOSED_REQUEST
        # If the application sent no response, the server sends one of status 500.
        return self.status or 500

    def websocket_status(self) -> int:
        """Return the status of a WebSocket whose application returned."""
        return self.status or (CLIENT_CLOSED_REQUEST if self.disconnected else 500)
