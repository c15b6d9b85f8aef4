"""aiohttp: a point for every request of an application.

::

    app = web.Application()
    instrument(app, Monitor(service="catalogue"))
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tsmon.integrations.requests import UNMATCHED, RequestRecorder, int_code, request_id_of
from tsmon.monitor import Monitor

__all__ = ["instrument", "middleware", "set_error_code"]

_ERROR_CODE: Final = web.RequestKey("tsmon_error_code", int)

CLIENT_CLOSED_REQUEST: Final = 499
"""Status recorded of a request that was cancelled, as nginx has it for clients that left."""


def instrument(app: web.Application, monitor: Monitor, *, service: str | None = None) -> None:
    """Record every request of ``app``, and let ``monitor`` start and stop with it.

    The middleware becomes the outermost one, so that it sees what the others make of a request. Sub-applications
    are recorded with it; instrument none of them besides.
    """

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await monitor.start()
        yield
        await monitor.stop()

    app.middlewares.insert(0, middleware(monitor, service=service))
    app.cleanup_ctx.insert(0, lifetime)


def middleware(monitor: Monitor, *, service: str | None = None) -> Middleware:
    """Middleware that records every request: its route's template, its status, its time in the handler.

    A response of 400 or above, an exception (status 500) and a request that was cancelled, mostly since its client
    went away (499), are errors too. The error code is the application's, by :func:`set_error_code` or an int
    attribute ``error_code`` of the exception that it raises; else the status. A WebSocket is one request, from the
    handshake (status 101) to its end. ``service`` names the service, where it is not the monitor's.
    """
    recorder = RequestRecorder(monitor, service=service)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = recorder.start()
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
            try:
                resource = request.match_info.route.resource
                recorder.end(
                    started,
                    method=request.method,
                    resource=resource.canonical if resource is not None else UNMATCHED,
                    status=status,
                    error_code=_error_code(request, error),
                    request_id=request_id_of(request.headers.get("X-Request-ID")),
                )
            except Exception as failure:
                recorder.failed(failure)

    return record


def set_error_code(request: web.Request, code: int) -> None:
    """Give the application's own code of the error that this request ends with."""
    request[_ERROR_CODE] = code


def _error_code(request: web.Request, error: BaseException | None) -> int | None:
    code = int_code(request.get(_ERROR_CODE))
    return int_code(getattr(error, "error_code", None)) if code is None else code


def _is_open_websocket(request: web.Request) -> bool:
    """Whether the handshake was answered: a server that stops cancels the handlers of its open WebSockets."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.writer.output_size > 0
