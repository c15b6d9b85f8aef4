"""aiohttp: a ``requests`` point for every request, an ``errors`` point for every failed one.

::

    app = web.Application()
    instrument(app, Monitor(service="catalogue"))
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr

from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    REQUEST_ID_HEADER,
    RequestRecorder,
    set_error_code,
)
from tsmon.monitor.emitter import Emitter
from tsmon.monitor.monitor import Monitor

__all__ = ["instrument", "middleware", "set_error_code"]


def instrument(
    app: web.Application,
    monitor: Monitor,
    *,
    service: str | None = None,
    errors_from: int = 400,
    request_id_header: str = REQUEST_ID_HEADER,
) -> None:
    """Record every request of ``app``, and let ``monitor`` start and stop with it.

    The middleware becomes the outermost one, so that it sees what the others make of a request. Sub-applications
    are recorded with it; instrument none of them besides. Options are those of :func:`middleware`.
    """

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await monitor.start()
        yield
        await monitor.stop()

    record = middleware(monitor, service=service, errors_from=errors_from, request_id_header=request_id_header)
    app.middlewares.insert(0, record)
    app.cleanup_ctx.insert(0, lifetime)


def middleware(
    monitor: Emitter,
    *,
    service: str | None = None,
    errors_from: int = 400,
    request_id_header: str = REQUEST_ID_HEADER,
) -> Middleware:
    """Middleware that records every request: its route's template, its status, its time in the handler.

    A response of ``errors_from`` or above, an exception (status 500) and a request that was cancelled, mostly
    since its client went away (499), are errors too. The error code is the application's, by
    :func:`set_error_code` or an int attribute ``error_code`` of the exception that it raises; else the status. A
    WebSocket is one request, from the handshake (status 101) to its end. ``service`` names the service, where it
    is not the monitor's; the request's identifier is that of its header ``request_id_header``, else it is made.
    """
    recorder = RequestRecorder(monitor, service=service, errors_from=errors_from)
    if not recorder.enabled:
        return _pass_on
    begin, end = recorder.begin, recorder.end
    # A header's name in this form is found without being converted for each request.
    id_header = istr(request_id_header)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        opened = begin()
        status = 500
        error: BaseException | None = None
        try:
            response = await handler(request)
            # A handler that forgot its return statement gives None here, which aiohttp answers by 500.
            status = getattr(response, "status", status)
            return response
        except web.HTTPException as caught:
            status, error = caught.status, caught
            raise
        except asyncio.CancelledError:
            status = 101 if _is_open_websocket(request) else CLIENT_CLOSED_REQUEST
            raise
        except Exception as caught:
            error = caught
            raise
        finally:
            end(
                opened,
                request.method,
                None if (resource := request.match_info.route.resource) is None else resource.canonical,
                status,
                error,
                request.headers.get(id_header),
            )

    return record


@web.middleware
async def _pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


def _is_open_websocket(request: web.Request) -> bool:
    """Whether the handshake was answered: a server that stops cancels the handlers of its open WebSockets."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.writer.output_size > 0
