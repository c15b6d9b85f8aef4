"""ASGI applications (Starlette, FastAPI, Django, Quart, …): a point for every request.

::

    app = FastAPI()
    app.add_middleware(RequestMiddleware, monitor=Monitor(service="catalogue"))

Follows the ASGI specification (3.0, HTTP and WebSocket 2.5, lifespan 2.0) and needs no framework.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Unpack

from tsmon.integrations.asgi_exchange import (
    Exchange,
    HttpExchange,
    Message,
    Receive,
    Scope,
    Send,
    WebSocketExchange,
)
from tsmon.integrations.asgi_route import find_route
from tsmon.integrations.lifetime import Lifetime
from tsmon.integrations.quart_route import record_quart_routes
from tsmon.integrations.recorder import (
    REQUEST_ID_HEADER,
    RecorderOptions,
    RequestRecorder,
    set_error_code,
    set_route,
)
from tsmon.integrations.starlette_route import find_router
from tsmon.monitor.monitor import Monitor
from tsmon.threads.locks import raise_interruption

__all__ = ["RecorderOptions", "RequestMiddleware", "set_error_code", "set_route"]

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class RequestMiddleware:
    """Records every HTTP request and WebSocket of ``app``, which it wraps.

    An HTTP request lasts until its body has been sent, a WebSocket (status 101) until one side closes it. If the
    client of a request disconnects earlier, the status is 499; after an exception, or if the body ends too early,
    it is 500. A status of ``errors_from`` (400 by default) or above is an error. What the application does after
    the response (background tasks) is a :class:`tsmon.BackgroundWork`. The route is the template that the framework
    puts into the scope, or the one that the application sets by :func:`set_route`.

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
        self._router: Any = None
        """What has the routes of Starlette in ``app``; False if nothing has, None until that is known."""
        record_quart_routes()

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
        recorder = self._recorder
        opened = recorder.begin()
        exchange = (WebSocketExchange if websocket else HttpExchange)(receive, send, self._record, opened, scope)
        error: BaseException | None = None
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as caught:
            error = caught
            raise
        finally:
            if exchange.ended:
                recorder.end_background(opened, error if exchange.is_background_failure(error) else None)
            else:
                exchange.ended = True
                self._record(exchange, exchange.final_status(error), error, continues=False)
            if error is not None:
                # Without it, each failed request would leave a cycle of references: exception, traceback, frame.
                error = exchange.answered_error = None

    def _record(
        self, exchange: Exchange, status: int, error: BaseException | None, *, continues: bool = True
    ) -> None:
        opened, scope = exchange.opened, exchange.scope
        resource = request_id = None
        try:
            if opened.resource is None:
                if self._router is None:
                    self._router = find_router(self.app) or False
                resource = find_route(scope, exchange.path, status, self._router or None)
            for name, value in scope["headers"]:
                if name == self._id_header:
                    request_id = value.decode("latin-1")
                    break
        except Exception as failure:
            raise_interruption(failure)
            self._recorder.report_failure(failure)
        if self._recorder.fills:
            self._recorder.fill_columns(opened, scope)
        method = scope.get("method", "GET")
        end = self._recorder.end_response if continues else self._recorder.end
        end(opened, method, resource, status, error, request_id)

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
