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

from tsmon.integrations.requests import UNMATCHED, RequestRecorder, request_id_of
from tsmon.monitor import Monitor

__all__ = ["instrument", "middleware", "set_error_code"]

_ERROR_CODE: Final = "tsmon.error_code"

CLIENT_CLOSED_REQUEST: Final = 499
"""Status recorded where the client went away before there was an answer (as nginx has it)."""


def instrument(app: web.Application, monitor: Monitor, *, service: str | None = None) -> None:
    """Record every request of ``app``, and let ``monitor`` start and stop with it.

    The middleware becomes the outermost one, so that it sees what the others make of a request.
    """

    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await monitor.start()
        yield
        await monitor.stop()

    app.middlewares.insert(0, middleware(monitor, service=service))
    app.cleanup_ctx.insert(0, lifetime)


def middleware(monitor: Monitor, *, service: str | None = None) -> Middleware:
    """Middleware that records every request: its route's template, its status, its time in the handler.

    A response of 400 or above, an exception (status 500) and a client that went away (499) are errors too. The
    error code is the application's, by :func:`set_error_code` or an int attribute ``error_code`` of the exception
    that it raises; else the status. ``service`` names the service, where it is not the monitor's.
    """
    recorder = RequestRecorder(monitor, service=service)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = recorder.start()
        status = 500
        error: BaseException | None = None
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as caught:
            status, error = caught.status, caught
            raise
        except asyncio.CancelledError:
            status = CLIENT_CLOSED_REQUEST
            raise
        except Exception as caught:
            error = caught
            raise
        finally:
            resource = request.match_info.route.resource
            recorder.end(
                started,
                method=request.method,
                resource=resource.canonical if resource is not None else UNMATCHED,
                status=status,
                error_code=_error_code(request, error),
                request_id=request_id_of(request.headers.get("X-Request-ID")),
            )

    return record


def set_error_code(request: web.Request, code: int) -> None:
    """Give the application's own code of the error that this request ends with."""
    request[_ERROR_CODE] = code


def _error_code(request: web.Request, error: BaseException | None) -> int | None:
    code = request.get(_ERROR_CODE, getattr(error, "error_code", None))
    return code if type(code) is int else None
