"""aiohttp: a ``requests`` point for every request, an ``errors`` point for every failed one.

::

    app = web.Application()
    instrument(app, Monitor(service="catalogue"))
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Unpack

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr

from tsmon.integrations.lifetime import Lifetime
from tsmon.integrations.recorder import (
    CLIENT_CLOSED_REQUEST,
    REQUEST_ID_HEADER,
    RecorderOptions,
    RequestRecorder,
    set_error_code,
)
from tsmon.monitor.emitter import Emitter
from tsmon.monitor.monitor import Monitor

__all__ = ["RecorderOptions", "instrument", "middleware", "set_error_code"]


def instrument(
    app: web.Application,
    monitor: Monitor,
    *,
    request_id_header: str = REQUEST_ID_HEADER,
    **options: Unpack[RecorderOptions],
) -> None:
    """Record every request of ``app``, and start and stop ``monitor`` with it, each time it runs.

    The middleware becomes the outermost one, so that it sees the final outcome of a request. Sub-applications are
    recorded with ``app``; do not instrument them too. Options are those of :func:`middleware`.
    """

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        life = Lifetime(monitor)
        await life.begin()
        yield
        await life.end()

    record = middleware(monitor, request_id_header=request_id_header, **options)
    app.middlewares.insert(0, record)
    app.cleanup_ctx.insert(0, lifetime)


def middleware(
    monitor: Emitter, *, request_id_header: str = REQUEST_ID_HEADER, **options: Unpack[RecorderOptions]
) -> Middleware:
    """Make a middleware that records every request: template of its route, status, time in the handler.

    A status of ``errors_from`` (400 by default) or above is an error. So is an exception (status 500), and a
    request that was cancelled (499), usually because its client disconnected. The error code is the one that the
    application set by :func:`set_error_code`, else the int attribute ``error_code`` of the exception, else the
    status. A WebSocket is one request, from the handshake (status 101) to its end. The identifier of a request is
    that of its header ``request_id_header``; without one it is generated. :class:`RecorderOptions` describes the
    other options; functions of ``fill`` take the :class:`aiohttp.web.Request`.
    """
    recorder = RequestRecorder(monitor, **options)
    begin, end = recorder.begin, recorder.end
    fill_columns = recorder.fill_columns if recorder.fills else None
    # Looking up a header by an istr saves converting its name for each request.
    id_header = istr(request_id_header)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        opened = begin()
        status = 500
        error: BaseException | None = None
        try:
            response = await handler(request)
            # A handler without a return statement returns None, which aiohttp answers with 500.
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
            if fill_columns is not None:
                fill_columns(opened, request)
            end(
                opened,
                request.method,
                None if (resource := request.match_info.route.resource) is None else resource.canonical,
                status,
                error,
                request.headers.get(id_header),
            )

    @web.middleware
    async def record_if_enabled(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (record(request, handler) if recorder.enabled else handler(request))

    return record if recorder.enabled else record_if_enabled


def _is_open_websocket(request: web.Request) -> bool:
    """Whether the handshake was answered; a server that stops cancels the handlers of its open WebSockets."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.writer.output_size > 0
