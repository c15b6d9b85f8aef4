"""aiohttp: a ``requests`` point for every request, an ``errors`` point for every failed one.

::

    app = web.Application()
    instrument(app, Monitor(service="catalogue"))
"""

from asyncio import CancelledError
from collections.abc import AsyncIterator
from typing import Unpack

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr

from tsmon.integrations.aiohttp_exchange import WRITERS, watch
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
    """Make a middleware that records every request: template of its route, status, time until it was answered.

    A request lasts until its response has been sent: a file, a stream and a large body to their last byte. What the
    handler does afterwards is a :class:`tsmon.BackgroundWork`. A status of ``errors_from`` (400 by default) or
    above is an error. So is an exception, or a stream that breaks off (status 500), and a request that was
    cancelled or whose client has disconnected (499). The error code is the one that the application set by
    :func:`set_error_code`, else the int attribute ``error_code`` of the exception, else the status. A WebSocket is
    one request, from the handshake (status 101) to the end of its handler. The identifier of a request is that of
    its header ``request_id_header``; without one it is generated. :class:`RecorderOptions` describes the other
    options; functions of ``fill`` take the :class:`aiohttp.web.Request`.
    """
    recorder = RequestRecorder(monitor, **options)
    begin, end = recorder.begin, recorder.end
    fill_columns = recorder.fill_columns if recorder.fills else None
    # Looking up a header by an istr saves converting its name for each request.
    id_header = istr(request_id_header)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        opened = begin()
        # The attribute, not the property, saves a call.
        is_served = type(request._payload_writer) in WRITERS  # noqa: SLF001
        exchange = watch(recorder, opened, request, id_header) if is_served else None
        response: web.StreamResponse | None = None
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
        except BaseException as caught:
            error = caught
            if isinstance(caught, CancelledError):
                status = CLIENT_CLOSED_REQUEST
            raise
        finally:
            if exchange is not None:
                exchange.leave(response, error)
            else:
                # A request that was made for a test has nobody who gets a response.
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
            if error is not None:
                # Without it, each failed request would leave a cycle of references: exception, traceback, frame.
                error = None

    @web.middleware
    async def record_if_enabled(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (record(request, handler) if recorder.enabled else handler(request))

    return record if recorder.enabled else record_if_enabled
