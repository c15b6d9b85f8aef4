"""One failed request through each integration; its handler sets a region as additional data.

As a program, it prints the lines of all integrations; the tests run it with a modified tsmon.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.services.own_store import OwnStore
from tsmon import Monitor
from tsmon.integrations import asgi, wsgi
from tsmon.integrations.aiohttp import middleware
from tsmon.integrations.recorder import RequestRecorder
from tsmon.settings import MonitoringSettings
from tsmon.work import current_work

__all__ = ["INTEGRATIONS", "SUMMARIZED", "read_tenant", "record"]

NEVER_S = 3600.0
EACH = MonitoringSettings(flushing_period=NEVER_S)
SUMMARIZED = MonitoringSettings(flushing_period=NEVER_S, summarize_routes=["*"])


def read_tenant(request: Any) -> str | None:
    """Return the header X-Tenant of a request of any framework, or of an ASGI scope."""
    if isinstance(request, web.Request):
        return request.headers.get("X-Tenant")
    if "REQUEST_METHOD" in request:
        return request.get("HTTP_X_TENANT")
    return {name.decode(): value.decode() for name, value in request["headers"]}.get("x-tenant")


def set_region() -> None:
    work = current_work()
    assert work is not None
    work.tags["region"] = "west"


async def by_recorder(monitor: Monitor, **options: Any) -> None:
    recorder = RequestRecorder(monitor, **options)
    opened = recorder.begin()
    set_region()
    if recorder.fills:
        recorder.fill_columns(opened, {"headers": [(b"x-tenant", b"acme")]})
    recorder.end(opened, method="GET", resource="/", status=500)
    assert recorder.failures == 0


async def by_aiohttp(monitor: Monitor, **options: Any) -> None:
    async def handle(_: web.Request) -> web.Response:
        set_region()
        return web.Response(status=500)

    app = web.Application(middlewares=[middleware(monitor, **options)])
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/", headers={"X-Tenant": "acme"})).status == 500


async def by_asgi(monitor: Monitor, **options: Any) -> None:
    async def app(_: Any, receive: Any, send: Any) -> None:
        set_region()
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body"})

    await call_asgi(asgi.RequestMiddleware(app, monitor, **options))


async def call_asgi(app: Callable[..., Awaitable[None]]) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        pass

    headers = [(b"host", b"localhost"), (b"x-tenant", b"acme")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    await app(scope, receive, send)


async def by_wsgi(monitor: Monitor, **options: Any) -> None:
    def app(_: Any, start: Any) -> list[bytes]:
        set_region()
        start("500 Internal Server Error", [])
        return [b""]

    call_wsgi(wsgi.RequestMiddleware(app, monitor, **options))  # type: ignore[arg-type]


def call_wsgi(app: Callable[..., Any]) -> None:
    environ: dict[str, Any] = {"HTTP_X_TENANT": "acme", "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    body = app(environ, lambda *_: None)
    list(body)
    if hasattr(body, "close"):
        body.close()


async def by_django(monitor: Monitor, **options: Any) -> None:
    from tests.tsmon.integrations.test_asgi import django

    with django():
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()

        def app(environ: Any, start: Any) -> Any:
            set_region()
            return application({**environ, "PATH_INFO": "/broken/"}, start)

        call_wsgi(wsgi.RequestMiddleware(app, monitor, **options))  # type: ignore[arg-type]


INTEGRATIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "recorder": by_recorder,
    "aiohttp": by_aiohttp,
    "asgi": by_asgi,
    "wsgi": by_wsgi,
    "django": by_django,
}


async def record(integration: str, settings: MonitoringSettings = EACH, **options: Any) -> list[str]:
    """Record one request through an integration, and return its lines."""
    store = OwnStore()
    async with Monitor(settings, service="s", store=store) as monitor:
        await INTEGRATIONS[integration](monitor, **options)
    return [line for line in store.lines if not line.startswith("in_progress")]


async def main() -> None:
    for name in sys.argv[1:]:
        for settings in (EACH, SUMMARIZED):
            print(*await record(name, settings), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
