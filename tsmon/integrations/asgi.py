"""ASGI applications (Starlette, FastAPI, Django, Quart, …): a point for every request.

::

    app = FastAPI()
    app.add_middleware(RequestMiddleware, monitor=Monitor(service="catalogue"))

Written to the ASGI specification (3.0, HTTP and WebSocket 2.5, lifespan 2.0); needs no framework.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from tsmon.errors import TsmonError
from tsmon.integrations.asgi_route import route_in
from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    REQUEST_ID_HEADER,
    OpenRequest,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.monitor.monitor import Monitor

__all__ = ["RequestMiddleware", "set_error_code", "set_route"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

FORBIDDEN: Final = 403
"""What a server answers to a WebSocket that the application closes before it accepts."""

_log = logging.getLogger("tsmon")


class RequestMiddleware:
    """Records every HTTP request and WebSocket of ``app``, which it wraps.

    An HTTP request lasts until its body has been sent, a WebSocket (status 101) until its end. A client that leaves
    before makes status 499, an exception 500; from ``errors_from`` on a status is an error. The route is the
    template that the framework puts into the scope, or that the application gives by :func:`set_route`.

    ``monitor`` starts and stops with the application's lifespan, or with the first request where the server has
    none; with ``manages_monitor=False`` that is up to the caller.
    """

    def __init__(
        self,
        app: Application,
        monitor: Monitor,
        *,
        service: str | None = None,
        errors_from: int = 400,
        request_id_header: str = REQUEST_ID_HEADER,
        manages_monitor: bool = True,
    ) -> None:
        self.app = app
        self.monitor = monitor
        self._recorder = RequestRecorder(monitor, service=service, errors_from=errors_from)
        self._id_header = request_id_header.lower().encode("latin-1")
        self._must_start = manages_monitor
        self._manages = manages_monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        kind = scope["type"]
        if kind == "lifespan" and self._manages:
            await self._lifespan(scope, receive, send)
        elif kind == "http" or kind == "websocket":
            if self._must_start:
                await self._start_late()
            if self._recorder.enabled:
                await self._request(scope, receive, send, websocket=kind == "websocket")
            else:
                await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send, *, websocket: bool) -> None:
        root = scope.get("root_path", "")
        opened = self._recorder.begin()
        answer = _Answer(receive, send)
        status = 500
        error: BaseException | None = None
        try:
            await self.app(scope, answer.receive, answer.send_websocket if websocket else answer.send_http)
            status = answer.status_of_websocket() if websocket else answer.status_of_http()
        except asyncio.CancelledError:
            status = 101 if websocket and answer.status == 101 else CLIENT_CLOSED_REQUEST
            raise
        except Exception as caught:
            error = caught
            status = CLIENT_CLOSED_REQUEST if answer.left and not answer.complete else 500
            raise
        finally:
            self._end(opened, scope, root, status, error)

    def _end(self, opened: OpenRequest, scope: Scope, root: str, status: int, error: BaseException | None) -> None:
        resource = request_id = None
        try:
            if opened.resource is None:
                resource = route_in(scope, root)
            for name, value in scope["headers"]:
                if name == self._id_header:
                    request_id = value.decode("latin-1")
                    break
        except Exception as failure:
            self._recorder.failed(failure)
        self._recorder.end(
            opened,
            method=scope.get("method", "GET"),
            resource=resource,
            status=status,
            error=error,
            request_id=request_id,
        )

    async def _start_late(self) -> None:
        """Start at the first request, where no lifespan came; a mistake in the settings stops no request."""
        self._must_start = False
        try:
            await self.monitor.start()
        except TsmonError as error:
            _log.error("requests are not recorded: %s", error)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._must_start = False
        received = answered = False

        async def receive_and_note() -> Message:
            nonlocal received
            message = await receive()
            received = True
            return message

        async def send_and_stop(message: Message) -> None:
            nonlocal answered
            answered = True
            # The server may end the process as soon as it is told that the application has shut down.
            if message["type"] != "lifespan.startup.complete":
                await self.monitor.stop()
            await send(message)

        try:
            await self.monitor.start()
        except TsmonError as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            await self.app(scope, receive_and_note, send_and_stop)
        except Exception:
            if answered:
                await self.monitor.stop()
                raise
        if not answered:
            # The application has no lifespan of its own; the monitor's goes on.
            if not received:
                await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.monitor.stop()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.monitor.stop()


class _Answer:
    """What of an answer has been sent, and whether the client is still there."""

    __slots__ = ("_receive", "_send", "complete", "left", "status")

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.status = 0
        self.complete = False
        self.left = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] in ("http.disconnect", "websocket.disconnect"):
            self.left = True
        return message

    async def send_http(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        await self._pass(message)
        if kind == "http.response.body":
            self.complete = not message.get("more_body", False)
        elif kind == "http.response.pathsend":
            self.complete = True

    async def send_websocket(self, message: Message) -> None:
        kind = message["type"]
        await self._pass(message)
        if kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.close" and not self.status:
            self.status = FORBIDDEN

    async def _pass(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            self.left = True
            raise

    def status_of_http(self) -> int:
        """Status of a request whose application returned."""
        if self.left and not self.complete:
            return CLIENT_CLOSED_REQUEST
        # Without an answer the server makes one, of status 500.
        return self.status or 500

    def status_of_websocket(self) -> int:
        """Status of a WebSocket whose application returned."""
        return self.status or (CLIENT_CLOSED_REQUEST if self.left else 500)
