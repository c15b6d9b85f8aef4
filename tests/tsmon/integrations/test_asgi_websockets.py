"""WebSockets behind real ASGI servers: one request until one side closes, whatever the application does then."""

import asyncio
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from litestar import Litestar
from litestar import WebSocket as LitestarSocket
from litestar import websocket as litestar_websocket
from quart import Quart
from quart import websocket as quart_websocket
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from tests.tsmon.integrations.asgi_servers import SERVERS, serve
from tests.tsmon_agent.waiting import eventually
from tsmon import BackgroundWork, Request, RequestError
from tsmon.testing import EmittedPoints
from tsmon.work import timed

HELD_S = 0.03


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


async def echo_litestar(socket: LitestarSocket[Any, Any, Any]) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


def starlette_app() -> Starlette:
    return Starlette(routes=[WebSocketRoute("/echo/{room}", echo)])


def fast_app() -> FastAPI:
    app = FastAPI()
    app.websocket("/echo/{room}")(echo)
    return app


def litestar_app() -> Litestar:
    return Litestar([litestar_websocket("/echo/{room:str}")(echo_litestar)])


def quart_app() -> Quart:
    app = Quart("shop")

    @app.websocket("/echo/<room>")
    async def echo(room: str) -> None:
        while True:
            await quart_websocket.send(await quart_websocket.receive())

    return app


ROOMS = {quart_app: "GET:/echo/<room>"}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("make", [starlette_app, fast_app, litestar_app, quart_app])
@pytest.mark.parametrize("leaves", ["closes", "aborts"])
async def test_a_client_that_leaves_ends_it_without_any_error(
    leaves: str, make: Any, server: str, tsmon: EmittedPoints
) -> None:
    """The application does not handle the exception by which its framework reports that."""
    async with (
        serve(make(), SERVERS[server]) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        socket = await client.ws_connect("/echo/blue")
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        tsmon.none(Request)
        if leaves == "closes":
            await socket.close()
        else:
            assert socket._conn is not None
            assert socket._conn.transport is not None
            socket._conn.transport.abort()
        await eventually(lambda: tsmon.points(Request))
    request = tsmon.one(Request)
    assert (request.route, request.status_code) == (ROOMS.get(make, "GET:/echo/{room}"), 101)
    tsmon.none(RequestError)
    assert {point.outcome for point in tsmon.points(BackgroundWork)} <= {"completed"}


@pytest.mark.parametrize("side", ["client", "application"])
async def test_what_follows_the_close_is_work_in_the_background(side: str, tsmon: EmittedPoints) -> None:
    released = asyncio.Event()

    async def handle(socket: WebSocket) -> None:
        await socket.accept()
        with timed("before"):
            if side == "application":
                await socket.close()
            else:
                await socket.receive()
        with timed("after"):
            await released.wait()
        if side == "application":
            raise ZeroDivisionError

    async with (
        serve(Starlette(routes=[WebSocketRoute("/", handle)])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        socket = await client.ws_connect("/")
        if side == "client":
            await socket.close()
        await eventually(lambda: tsmon.points(Request))
        tsmon.none(BackgroundWork)
        await asyncio.sleep(HELD_S)
        released.set()
        await eventually(lambda: tsmon.points(BackgroundWork))
        await socket.close()
    assert tsmon.one(Request).status_code == 101
    work = tsmon.one(BackgroundWork)
    assert work.execution_time >= HELD_S
    assert (work.status_code, work.outcome) == (101, "failed" if side == "application" else "completed")
    assert "after" in (work.fields or ())
    tsmon.none(RequestError)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("when", "status"), [("before", 500), ("after", 500), ("closed", 403), ("silent", 500)])
async def test_failures_and_refusals(when: str, status: int, server: str, tsmon: EmittedPoints) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError
        await receive()
        if when == "closed":
            await send({"type": "websocket.close", "code": 1000})
        elif when != "silent":
            if when == "after":
                await send({"type": "websocket.accept"})
            raise ZeroDivisionError

    async with (
        serve(app, SERVERS[server]) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        if when == "after":
            socket = await client.ws_connect("/")
            await socket.receive()
            await socket.close()
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect("/")
            assert refused.value.status == status
        await eventually(lambda: tsmon.points(Request))
    assert tsmon.one(RequestError).status_code == status


async def test_a_refusal_with_a_response_of_its_own_has_its_status(tsmon: EmittedPoints) -> None:
    async def handle(socket: WebSocket) -> None:
        from starlette.responses import PlainTextResponse

        await socket.send_denial_response(PlainTextResponse("no", status_code=402))

    async with (
        serve(Starlette(routes=[WebSocketRoute("/", handle)])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/")
        assert refused.value.status == 402
        await eventually(lambda: tsmon.points(Request))
    assert tsmon.one(RequestError).status_code == 402
