"""How requests of an aiohttp server end, and what is recorded then: status and time are the client's."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.services.own_store import OwnStore
from tests.tsmon.integrations.test_aiohttp import Served, app_of, listening, served
from tsmon import Monitor
from tsmon.integrations.aiohttp import middleware, set_error_code
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.work import timed

HELD_S = 0.03
BIG = 8_000_000
"""More than sockets buffer."""


async def fetch(here: Served, method: str = "GET", **headers: str) -> tuple[aiohttp.ClientResponse, bytes, float]:
    started_s = time.perf_counter()
    async with here.client.request(method, "/here", headers=headers) as answer:
        body = await answer.read()
    return answer, body, time.perf_counter() - started_s


def time_of(point: ParsedPoint) -> float:
    return float(point.fields["execution_time"])


async def leave(here: Served, begun: asyncio.Event | None = None, *, reads: int = 0) -> None:
    """Send a request, and disconnect when ``begun`` or when so many bytes were read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(b"GET /here HTTP/1.1\r\nHost: x\r\n\r\n")
    if begun is not None:
        await begun.wait()
    if reads:
        await reader.readexactly(reads)
    writer.transport.abort()


@pytest.mark.parametrize("ends", ["write_eof", "length", "no body"])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_handler_may_go_on_after_its_response(ends: str, fails: bool) -> None:
    released = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=204 if ends == "no body" else 200)
        if ends == "length":
            response.content_length = 3
        with timed("before"):
            pass
        await response.prepare(request)
        if ends != "no body":
            await response.write(b"abc")
        if ends == "write_eof":
            await response.write_eof()
        with timed("after"):
            await released.wait()
        if fails:
            set_error_code(12)
            raise ZeroDivisionError
        return response

    async with served(app_of(handle)) as here:
        _, _, elapsed_s = await fetch(here)
        request = await here.request()
        assert request.tags["status_code"] == ("204" if ends == "no body" else "200")
        assert time_of(request) <= elapsed_s
        assert ("before" in request.fields, "after" in request.fields) == (True, False)
        await here.points("requests_background", 0)
        await asyncio.sleep(HELD_S)
        released.set()
        (work,) = await here.points("requests_background", 1)
        assert time_of(work) >= HELD_S
        assert (work.tags["outcome"], work.tags.get("error_code")) == (
            ("failed", "12") if fails else ("completed", None)
        )
        assert ("before" in work.fields, "after" in work.fields) == (False, True)
        await here.points("errors", 0)


async def test_the_response_to_head_ends_with_its_headers() -> None:
    released = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await released.wait()
        return response

    async with served(app_of(handle)) as here:
        await fetch(here, "HEAD")
        assert (await here.request()).tags["status_code"] == "200"
        released.set()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Range": "bytes=0-9"}, 206),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ({"Range": "bytes=99999999999-"}, 416),
    ],
)
async def test_a_file_has_the_status_that_was_sent(headers: dict[str, str], status: int, tmp_path: Path) -> None:
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(BIG))

    async def handle(_: web.Request) -> web.FileResponse:
        return web.FileResponse(file)

    async with served(app_of(handle)) as here:
        answer, _, _ = await fetch(here, **headers)
        assert answer.status == status
        assert (await here.request()).tags["status_code"] == str(status)


async def test_a_file_that_is_missing_is_404(tmp_path: Path) -> None:
    async def handle(_: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "missing")

    async with served(app_of(handle)) as here:
        assert (await fetch(here))[0].status == 404
        assert (await here.error()).tags["status_code"] == "404"


async def parts() -> AsyncIterator[bytes]:
    for _ in range(8):
        yield bytes(BIG // 8)


def large(kind: str, file: Path) -> web.StreamResponse:
    if kind == "file":
        file.write_bytes(bytes(BIG))
        return web.FileResponse(file)
    return web.Response(body=bytes(BIG) if kind == "bytes" else parts())


@pytest.mark.parametrize("kind", ["file", "bytes", "parts"])
async def test_a_large_response_ends_with_its_last_byte_or_the_clients_leave(kind: str, tmp_path: Path) -> None:
    async def handle(_: web.Request) -> web.StreamResponse:
        return large(kind, tmp_path / "big.bin")

    async with served(app_of(handle)) as here:
        with socket.create_connection(("127.0.0.1", here.port)) as client:
            client.sendall(b"GET /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await asyncio.sleep(0.1)
            await here.points("requests", 0)
            await asyncio.to_thread(lambda: all(iter(lambda: client.recv(1 << 20), b"")))
        assert time_of(await here.request()) >= 0.05
        await leave(here, reads=100)
        assert (await here.request(2)).tags["status_code"] == "499"
        await here.points("errors", 1)


async def test_a_body_that_fails_is_500() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ZeroDivisionError

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=broken())

    async with served(app_of(handle)) as here:
        with pytest.raises(aiohttp.ClientPayloadError):
            await fetch(here)
        assert (await here.error()).tags["status_code"] == "500"


@pytest.mark.parametrize("when", ["before", "in the middle", "in a group of tasks"])
async def test_a_client_that_leaves_is_499_though_the_handler_is_not_cancelled(when: str) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        if when == "before":
            begun.set()
            await released.wait()
            return web.Response(text="fine")
        response = web.StreamResponse()
        await response.prepare(request)

        async def write() -> None:
            while True:
                await response.write(b"data: x\n\n")
                await asyncio.sleep(0.001)

        if when == "in the middle":
            await write()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
        raise AssertionError

    async with served(app_of(handle)) as here:
        await (leave(here, begun) if when == "before" else leave(here, reads=500))
        await asyncio.sleep(0.02)
        released.set()
        assert (await here.error()).tags["status_code"] == "499"


@pytest.mark.parametrize("fails", [False, True])
async def test_functions_that_prepare_the_response_are_a_part_of_the_request(fails: bool) -> None:
    async def prepare(*_: Any) -> None:
        await asyncio.sleep(HELD_S)
        if fails:
            raise ZeroDivisionError

    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="fine")

    app = app_of(handle)
    app.on_response_prepare.append(prepare)
    async with served(app) as here:
        if fails:
            with pytest.raises(aiohttp.ClientError):
                await fetch(here, "POST")  # Which the client does not try again.
        else:
            _, _, elapsed_s = await fetch(here)
            assert HELD_S <= time_of(await here.request()) <= elapsed_s
        assert (await here.request()).tags["status_code"] == ("500" if fails else "200")


async def test_a_time_out_of_the_handler_and_what_an_outer_middleware_answers_have_the_status_that_was_sent() -> (
    None
):
    async def handle(request: web.Request) -> web.Response:
        if request.query:
            raise {"time": TimeoutError, "http": web.HTTPNotFound}[request.query["x"]]
        raise LookupError

    @web.middleware
    async def answer(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except LookupError:
            return web.Response(status=422)
        except web.HTTPNotFound:
            return web.Response(status=200)

    store = OwnStore()
    async with Monitor(service="catalogue", store=store) as monitor:
        app = web.Application(middlewares=[answer, middleware(monitor)])
        app.router.add_get("/", handle)
        async with listening(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            assert [(await client.get(path)).status for path in ("/", "/?x=time", "/?x=http")] == [422, 504, 200]
        await monitor.flush()
    requests = [point for point in store.recorded if point.measurement == "requests"]
    assert [point.tags["status_code"] for point in requests] == ["422", "504", "200"]


async def test_tasks_that_outlive_the_request_add_nothing_to_it() -> None:
    released, tasks = asyncio.Event(), []

    async def later() -> None:
        with timed("later"):
            await released.wait()

    async def handle(_: web.Request) -> web.Response:
        tasks.append(asyncio.create_task(later()))
        return web.Response()

    async with served(app_of(handle)) as here:
        await fetch(here)
        released.set()
        await tasks[0]
        assert "later" not in (await here.request()).fields


async def test_outer_and_inner_middleware_both_record_the_end() -> None:
    store = OwnStore()
    async with Monitor(service="inner", store=store) as monitor:

        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write_eof(b"abc")
            await asyncio.sleep(HELD_S)
            return response

        inner = web.Application(middlewares=[middleware(monitor)])
        inner.router.add_get("/{key}", handle)
        outer = web.Application(middlewares=[middleware(monitor, service="outer")])
        outer.add_subapp("/sub", inner)
        async with listening(outer) as port, aiohttp.ClientSession() as client:
            await (await client.get(f"http://127.0.0.1:{port}/sub/1")).read()
            await asyncio.sleep(2 * HELD_S)
        await monitor.flush()
    assert {point.tags["service"] for point in store.recorded} == {"inner", "outer"}
    assert {point.tags["route"] for point in store.recorded} == {"GET:/sub/{key}"}
    assert all(time_of(point) < HELD_S for point in store.recorded)


async def test_routes_of_domains_and_resources_are_whole(tmp_path: Path) -> None:
    async def fine(_: web.Request) -> web.Response:
        return web.Response()

    (tmp_path / "a.txt").write_text("a")
    api, tenant, app = web.Application(), web.Application(), web.Application()
    api.router.add_get(r"/things/{number:\d+}", fine)
    tenant.router.add_get("/deep/{key}", fine)
    tenant.router.add_static("/files", tmp_path)
    api.add_subapp("/tenant", tenant)
    app.add_domain("api.example.org", api)
    app.add_subapp("/v1", web.Application())
    app.router.add_resource("/many/{key}").add_route("*", fine)
    app.router.add_get("/{tail:.*}.html", fine)
    cases = {
        ("/things/3", "api.example.org"): "GET:/things/{number}",
        ("/tenant/deep/3", "api.example.org"): "GET:/tenant/deep/{key}",
        ("/tenant/files/a.txt", "api.example.org"): "GET:/tenant/files",
        ("/tenant/nothing", "api.example.org"): "GET:unmatched",
        ("/things/3", "x"): "GET:unmatched",
        ("/v1/nothing", "x"): "GET:unmatched",
        ("/many/3", "x"): "GET:/many/{key}",
        ("/a/b/c.html", "x"): "GET:/{tail}.html",
    }
    async with served(app) as here:
        for path, host in cases:
            await here.client.get(path, headers={"Host": host})
        assert [one.tags["route"] for one in await here.points("requests", len(cases))] == list(cases.values())
