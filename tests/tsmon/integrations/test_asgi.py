"""The ASGI middleware around real applications, behind a real server."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor, Request, RequestError
from tsmon.integrations.asgi import RequestMiddleware, set_error_code, set_route
from tsmon.testing import EmittedPoints
from tsmon.work import current_work, timed


class CodedError(Exception):
    error_code = 77


async def slow_parts() -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.sleep(0)
    yield b"second"


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65_536
        await asyncio.sleep(0.001)


def fast_app() -> FastAPI:
    app = FastAPI()
    router = APIRouter()

    @router.get("/things/{number}")
    async def thing(number: int) -> int:
        with timed("db_time"):
            work = current_work()
            assert work is not None
            work.tags["kind"] = "thing"
        return number

    @router.get("/sync/{number}")
    def in_a_thread(number: int) -> int:
        set_error_code(number)
        with timed("db_time"):
            return 1 // 0

    app.include_router(router, prefix="/api/{version}")

    @app.get("/coded")
    async def coded() -> None:
        raise CodedError

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(slow_parts())

    @app.get("/endless")
    async def without_end() -> StreamingResponse:
        return StreamingResponse(endless())

    @app.websocket("/ws/{room}")
    async def room(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    @app.websocket("/closed")
    async def closed(socket: WebSocket) -> None:
        await socket.close()

    below = FastAPI()

    @below.get("/deep/{key}")
    async def deep(key: str) -> str:
        return key

    app.mount("/tenants/{tenant}", below)
    return app


async def plain(_: StarletteRequest) -> PlainTextResponse:
    return PlainTextResponse("fine")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())


def starlette_app() -> Starlette:
    below = Starlette(routes=[Route("/deep/{key}", plain)])
    routes = [
        Route("/plain/{number:int}", plain, methods=["GET", "POST"]),
        WebSocketRoute("/ws/{room}", echo),
        Mount("/tenants/{tenant}", below),
    ]
    return Starlette(routes=routes)


@asynccontextmanager
async def served(app: Any, *, lifespan: str = "on", wrapped: bool = True) -> AsyncIterator[aiohttp.ClientSession]:
    outer = RequestMiddleware(app, Monitor(service="web")) if wrapped else app
    config = uvicorn.Config(
        outer, port=0, log_config=None, lifespan=lifespan, ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    config.load()
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        server.should_exit = True
        await task


@pytest.mark.parametrize("make", [fast_app, starlette_app])
async def test_a_mounted_applications_route_is_a_template_in_whole(make: Any, tsmon: EmittedPoints) -> None:
    async with served(make()) as client:
        assert (await client.get("/tenants/acme/deep/9")).status == 200
        assert (await client.get("/tenants/acme/nowhere")).status == 404
    assert [point.route for point in tsmon.points(Request)] == ["GET:/tenants/{tenant}/deep/{key}", "GET:unmatched"]


async def test_routes_of_included_routers_have_their_prefix(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        assert (await client.get("/api/v2/things/3", headers={"X-Request-ID": "mine"})).status == 200
    request = tsmon.one(Request)
    assert (request.route, request.status_code) == ("GET:/api/{version}/things/{number}", 200)
    assert request.request_id == "mine"
    assert request.tags == {"kind": "thing"}
    assert set(request.fields or ()) == {"db_time"}
    tsmon.none(RequestError)


async def test_unmatched_routes_and_unknown_methods_are_constants(tsmon: EmittedPoints) -> None:
    async with served(starlette_app()) as client:
        assert (await client.get("/wp-admin.php")).status == 404
        assert (await client.request("BREW", "/plain/1")).status == 405
        assert (await client.delete("/plain/1")).status == 405
    assert [point.route for point in tsmon.points(Request)] == [
        "GET:unmatched",
        "OTHER:/plain/{number}",
        "DELETE:/plain/{number}",
    ]
    assert [point.error_code for point in tsmon.points(RequestError)] == [404, 405, 405]


async def test_an_exception_is_500_with_its_code(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        assert (await client.get("/coded")).status == 500
        assert (await client.get("/api/1/sync/12")).status == 500
    assert [point.error_code for point in tsmon.points(RequestError, status_code=500)] == [77, 12]


async def test_data_from_a_thread_of_the_framework_are_included(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        await client.get("/api/1/sync/12")
    assert set(tsmon.one(Request).fields or ()) == {"db_time"}


async def test_a_stream_lasts_until_its_end(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        assert await (await client.get("/stream")).read() == b"firstsecond"
    assert tsmon.one(Request).status_code == 200


async def test_a_client_that_leaves_in_the_middle_is_499(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        answer = await client.get("/endless")
        await answer.content.readexactly(100)
        answer.close()
        await eventually(lambda: tsmon.points(Request))
    assert tsmon.one(Request).status_code == 499
    assert tsmon.one(RequestError).error_code == 499


@pytest.mark.parametrize("make", [fast_app, starlette_app])
async def test_a_websocket_is_one_request(make: Any, tsmon: EmittedPoints) -> None:
    async with served(make()) as client:
        async with client.ws_connect("/ws/blue") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
        await eventually(lambda: tsmon.points(Request))
    request = tsmon.one(Request)
    assert (request.route, request.status_code) == ("GET:/ws/{room}", 101)


async def test_a_websocket_that_is_not_accepted_is_403(tsmon: EmittedPoints) -> None:
    async with served(fast_app()) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.ws_connect("/closed")
    assert tsmon.one(Request).status_code == 403


async def test_added_as_the_frameworks_own_middleware(tsmon: EmittedPoints) -> None:
    app = fast_app()
    app.add_middleware(RequestMiddleware, monitor=Monitor(service="web"))
    async with served(app, wrapped=False) as client:
        assert (await client.get("/tenants/acme/deep/9")).status == 200
        assert (await client.get("/api/1/things/1")).status == 200
    assert [point.route for point in tsmon.points(Request)] == [
        "GET:/tenants/{tenant}/deep/{key}",
        "GET:/api/{version}/things/{number}",
    ]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    set_route("/bare")
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize("lifespan", ["on", "off", "auto"])
async def test_the_monitor_lives_with_the_application_whatever_lifespan_it_has(
    lifespan: str, tsmon: EmittedPoints
) -> None:
    monitor = Monitor(service="web")
    app = RequestMiddleware(bare, monitor)
    async with served(app, lifespan=lifespan, wrapped=False) as client:
        assert (await client.get("/")).status == 204
        await monitor.flush()
        assert monitor.counts.written == 2  # with the number of requests in progress
    assert tsmon.one(Request).route == "GET:/bare"
    if lifespan != "off":
        monitor.emit(Request(route="x", status_code=200, request_id="1", execution_time=1.0))
        assert monitor.counts.dropped == 1  # it was stopped
    else:
        await monitor.stop()


@contextlib.contextmanager
def django() -> Iterator[None]:
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            MIDDLEWARE=["tsmon.integrations.django.RouteMiddleware"],
            ROOT_URLCONF="tests.tsmon.integrations.django_urls",
            SECRET_KEY="test",
        )
        import django

        django.setup()
    yield


async def test_django_routes_are_recorded(tsmon: EmittedPoints) -> None:
    with django():
        from django.core.asgi import get_asgi_application

        async with served(get_asgi_application(), lifespan="auto") as client:
            assert (await client.get("/things/3/")).status == 200
            assert (await client.get("/async/x/")).status == 200
            assert (await client.get("/nowhere/")).status == 404
    assert [point.route for point in tsmon.points(Request)] == [
        "GET:/things/<int:number>/",
        "GET:/async/<name>/",
        "GET:unmatched",
    ]
    assert threading.active_count() < 50
