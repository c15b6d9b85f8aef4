"""The middleware in real applications, with a real client over real sockets."""

import asyncio
import enum
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.services.own_store import OwnStore
from tsmon import Monitor, Point
from tsmon.integrations.aiohttp import instrument, middleware, set_error_code
from tsmon.line_protocol import parse
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.monitor import source

WAIT_S = 20.0


@dataclass
class Served:
    """A running application, its client, and what was recorded of it."""

    url: str
    port: int
    client: aiohttp.ClientSession
    monitor: Monitor
    store: OwnStore

    async def points(self, measurement: str, count: int) -> list[ParsedPoint]:
        """The first ``count`` points of a series, and that there are no more."""
        async with asyncio.timeout(WAIT_S):
            while True:
                await self.monitor.flush()
                data = b"\n".join(self.store.batches)
                found = [point for point in parse(data) if point.measurement == measurement]
                if len(found) >= count:
                    break
                await asyncio.sleep(0.01)
        assert len(found) == count, found
        return found

    async def request(self, count: int = 1) -> ParsedPoint:
        return (await self.points("requests", count))[-1]

    async def error(self, count: int = 1) -> ParsedPoint:
        return (await self.points("errors", count))[-1]

    async def raw(self, text: str) -> bytes:
        """Send a request that no client would send, and return the first line of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text.encode())
        answer = await reader.readline()
        writer.close()
        return answer


@asynccontextmanager
async def served(app: web.Application, **settings: Any) -> AsyncIterator[Served]:
    store = OwnStore()
    monitor = Monitor(service="catalogue", store=store)
    instrument(app, monitor, **settings)
    async with listening(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        yield Served(f"http://127.0.0.1:{port}", port, client, monitor, store)


@asynccontextmanager
async def listening(app: web.Application, **settings: Any) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, **settings)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app_of(handler: Handler, path: str = "/here", method: str = "*") -> web.Application:
    app = web.Application()
    app.router.add_route(method, path, handler)
    return app


async def fine(_: web.Request) -> web.Response:
    return web.Response(text="fine")


async def test_every_request_is_a_point_with_its_route_status_and_time() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(text="done", status=201)

    async with served(app_of(slow)) as here:
        before_ns = time.time_ns()
        async with here.client.get("/here", headers={"X-Request-ID": "abc-1"}) as answer:
            assert answer.status == 201
        after_ns = time.time_ns()
        point = await here.request()
        assert point.tags == {"service": "catalogue", "route": "GET:/here", "status_code": "201"}
        assert point.fields["request_id"] == "abc-1"
        execution_time = point.fields["execution_time"]
        assert isinstance(execution_time, float)
        assert 0.05 <= execution_time <= (after_ns - before_ns) / 1e9
        # The time is when processing began, not when it ended.
        assert point.time_ns is not None
        assert before_ns - 1_000 <= point.time_ns <= after_ns - 50_000_000
        await here.points("errors", 0)


@pytest.mark.parametrize("status", [200, 204, 302, 304, 399])
async def test_statuses_below_400_are_no_errors(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with served(app_of(answer)) as here:
        await here.client.get("/here", allow_redirects=False)
        assert (await here.request()).tags["status_code"] == str(status)
        await here.points("errors", 0)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_response_of_400_and_above_is_an_error_with_its_status_as_code(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with served(app_of(answer)) as here:
        await here.client.get("/here", headers={"X-Request-ID": "abc-1"})
        point, error = await here.request(), await here.error()
        assert error.tags == {
            "service": "catalogue",
            "route": "GET:/here",
            "status_code": str(status),
            "error_code": str(status),
        }
        assert error.fields == {"request_id": "abc-1"}
        assert error.time_ns == point.time_ns


async def test_unhandled_exception_is_an_error_500_and_is_still_answered_by_aiohttp() -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    async with served(app_of(broken)) as here:
        answer = await here.client.get("/here")
        assert answer.status == 500
        assert (await here.error()).tags["error_code"] == "500"
        assert (await here.request()).tags["status_code"] == "500"


async def test_handler_without_a_return_is_an_error_500() -> None:
    async def forgetful(_: web.Request) -> web.Response:
        return None  # type: ignore[return-value]

    async with served(app_of(forgetful)) as here:
        assert (await here.client.get("/here")).status == 500
        assert (await here.error()).tags["error_code"] == "500"


async def test_raised_http_exceptions_have_their_status() -> None:
    async def handler(request: web.Request) -> web.Response:
        kinds = {"moved": web.HTTPFound("/elsewhere"), "gone": web.HTTPGone(), "fine": web.HTTPOk()}
        raise kinds[request.match_info["kind"]]

    async with served(app_of(handler, "/{kind}")) as here:
        for kind, status in (("moved", 302), ("fine", 200), ("gone", 410)):
            assert (await here.client.get(f"/{kind}", allow_redirects=False)).status == status
        assert {point.tags["status_code"] for point in await here.points("requests", 3)} == {"302", "200", "410"}
        assert (await here.error()).tags["error_code"] == "410"


class Code(enum.IntEnum):
    OUT_OF_STOCK = 1204


class OwnError(Exception):
    def __init__(self, error_code: object) -> None:
        self.error_code = error_code


class UntellableError(Exception):
    @property
    def error_code(self) -> int:
        raise ValueError("no code today")


@pytest.mark.parametrize(
    ("code", "recorded"),
    [
        (1204, "1204"),
        (Code.OUT_OF_STOCK, "1204"),
        (0, "0"),
        (-3, "-3"),
        ("1204", "500"),
        (True, "500"),
        (None, "500"),
    ],
)
async def test_error_code_is_that_of_the_exception_if_it_is_an_int(code: object, recorded: str) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise OwnError(code)

    async with served(app_of(broken)) as here:
        await here.client.get("/here")
        error = await here.error()
        assert (error.tags["status_code"], error.tags["error_code"]) == ("500", recorded)


async def test_error_code_that_was_set_wins() -> None:
    async def broken(request: web.Request) -> web.Response:
        set_error_code(7)
        raise OwnError(8)

    async def conflict(request: web.Request) -> web.Response:
        set_error_code(Code.OUT_OF_STOCK)
        return web.Response(status=409)

    app = app_of(broken)
    app.router.add_get("/there", conflict)
    async with served(app) as here:
        await here.client.get("/here")
        assert (await here.error()).tags["error_code"] == "7"
        await here.client.get("/there")
        assert (await here.error(2)).tags["error_code"] == "1204"


async def test_error_code_of_a_request_that_succeeds_is_no_error() -> None:
    async def handler(request: web.Request) -> web.Response:
        set_error_code(7)
        return web.Response()

    async with served(app_of(handler)) as here:
        await here.client.get("/here")
        await here.request()
        await here.points("errors", 0)


async def test_the_final_outcome_after_other_middlewares_is_recorded() -> None:
    @web.middleware
    async def teapot(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(status=418)

    app = app_of(fine)
    app.middlewares.append(teapot)
    async with served(app) as here:
        await here.client.get("/here")
        assert (await here.error()).tags["status_code"] == "418"


@pytest.mark.parametrize(
    ("path", "asked", "route"),
    [
        ("/version", "/version?a=b", "GET:/version"),
        ("/items/{number}", "/items/17", "GET:/items/{number}"),
        (r"/items/{number:\d+}", "/items/17", "GET:/items/{number}"),
        (r"/items/{number:\d+}/{part:[a-z]{2}}.json", "/items/17/ab.json", "GET:/items/{number}/{part}.json"),
        ("/{tail:.*}", "/any/thing/at/all", "GET:/{tail}"),
        ("/a b/ü", "/a%20b/%C3%BC", "GET:/a b/ü"),
    ],
)
async def test_route_is_the_template(path: str, asked: str, route: str) -> None:
    async with served(app_of(fine, path)) as here:
        assert (await here.client.get(asked)).status == 200
        assert (await here.request()).tags["route"] == route


async def test_static_files_share_one_route(tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = web.Application()
    app.router.add_static("/static", tmp_path)
    async with served(app) as here:
        assert (await here.client.get("/static/a.txt")).status == 200
        assert (await here.client.get("/static/b.txt")).status == 404
        assert {point.tags["route"] for point in await here.points("requests", 2)} == {"GET:/static"}


async def test_unmatched_paths_and_methods_share_one_constant() -> None:
    async with served(app_of(fine, "/here", "POST")) as here:
        assert (await here.client.get("/nowhere/17")).status == 404
        assert (await here.client.get("/here")).status == 405
        points = await here.points("errors", 2)
        assert [(point.tags["route"], point.tags["status_code"]) for point in points] == [
            ("GET:unmatched", "404"),
            ("GET:unmatched", "405"),
        ]


async def test_unknown_methods_share_one_constant() -> None:
    async with served(app_of(fine)) as here:
        assert b"200" in await here.raw("PROPFIND /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await here.request()).tags["route"] == "OTHER:/here"


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
async def test_known_methods_are_distinguished(method: str) -> None:
    async with served(app_of(fine)) as here:
        await here.client.request(method, "/here")
        assert (await here.request()).tags["route"] == f"{method}:/here"


async def test_sub_applications_have_their_full_template() -> None:
    inner = web.Application()
    inner.router.add_get(r"/items/{number:\d+}", fine)
    middle = web.Application()
    middle.add_subapp("/v1", inner)
    outer = app_of(fine)
    outer.add_subapp("/api", middle)
    async with served(outer) as here:
        assert (await here.client.get("/api/v1/items/3")).status == 200
        assert (await here.request()).tags["route"] == "GET:/api/v1/items/{number}"
        assert (await here.client.get("/api/v1/nothing")).status == 404
        assert (await here.request(2)).tags["route"] == "GET:unmatched"


async def test_sub_application_can_have_the_middleware_alone() -> None:
    store = OwnStore()
    async with Monitor(service="inner", store=store) as monitor:
        inner = web.Application(middlewares=[middleware(monitor)])
        inner.router.add_get("/items/{number}", fine)
        outer = app_of(fine)
        outer.add_subapp("/api", inner)
        async with listening(outer) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            await client.get("/here")
            await client.get("/api/items/3")
        await monitor.flush()
        assert [point.tags["route"] for point in store.recorded] == ["GET:/api/items/{number}"]


async def test_streaming_response_counts_to_the_end_of_its_stream() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"part")
            await asyncio.sleep(0.02)
        return response

    async with served(app_of(stream)) as here:
        answer = await here.client.get("/here")
        assert await answer.read() == b"partpartpart"
        point = await here.request()
        assert point.tags["status_code"] == "200"
        assert float(point.fields["execution_time"]) >= 0.06


async def test_stream_that_breaks_off_is_an_error_500() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"part")
        raise RuntimeError("halfway")

    async with served(app_of(stream)) as here:
        with pytest.raises(aiohttp.ClientPayloadError):
            await (await here.client.get("/here")).read()
        assert (await here.error()).tags["status_code"] == "500"


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def test_websocket_is_one_request_from_handshake_to_end() -> None:
    async with served(app_of(echo, method="GET")) as here:
        async with here.client.ws_connect("/here") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
            await here.points("requests", 0)
        point = await here.request()
        assert (point.tags["route"], point.tags["status_code"]) == ("GET:/here", "101")
        await here.points("errors", 0)


async def test_websocket_that_the_server_ends_is_no_error() -> None:
    """A server that stops cancels the handlers of its open WebSockets."""
    store = OwnStore()
    async with Monitor(service="catalogue", store=store) as monitor:
        app = web.Application(middlewares=[middleware(monitor)])
        app.router.add_get("/here", echo)
        async with aiohttp.ClientSession() as client:
            async with listening(app) as port:
                socket = await client.ws_connect(f"http://127.0.0.1:{port}/here")
                await socket.send_str("hello")
                await socket.receive_str()
            await socket.close()
        await monitor.flush()
        (point,) = store.recorded
        assert (point.measurement, point.tags["status_code"]) == ("requests", "101")


async def test_refused_handshake_is_an_error() -> None:
    async with served(app_of(echo, method="GET")) as here:
        assert (await here.client.get("/here")).status == 400
        assert (await here.error()).tags["status_code"] == "400"


async def test_cancelled_request_is_recorded_as_499_and_stays_cancelled() -> None:
    begun = asyncio.Event()
    ended: list[str] = []

    async def hang(_: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError

    store = OwnStore()
    async with Monitor(service="catalogue", store=store) as monitor:
        app = web.Application(middlewares=[middleware(monitor)])
        app.router.add_get("/here", hang)
        async with listening(app, handler_cancellation=True) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /here HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(WAIT_S):
                await begun.wait()
                writer.transport.abort()
                while not ended:
                    await asyncio.sleep(0.01)
        await monitor.flush()
        points = store.recorded
        assert [(point.measurement, point.tags["status_code"]) for point in points] == [
            ("requests", "499"),
            ("errors", "499"),
        ]


async def test_concurrent_requests_are_all_recorded_at_distinct_times() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        return web.Response()

    async with served(app_of(slow)) as here:

        async def ask() -> None:
            async with here.client.get("/here") as answer:
                await answer.read()

        await asyncio.gather(*(ask() for _ in range(200)))
        points = await here.points("requests", 200)
        assert len({point.time_ns for point in points}) == 200
        assert len({point.fields["request_id"] for point in points}) == 200


@pytest.mark.parametrize("header", ["", "x" * 129, "a\tb", "\u00a0"])
async def test_an_invalid_request_id_is_replaced(header: str) -> None:
    async with served(app_of(fine)) as here:
        await here.client.get("/here", headers={"X-Request-ID": header})
        identity = (await here.request()).fields["request_id"]
        assert isinstance(identity, str)
        assert identity != header
        assert int(identity, 16) > 0


async def test_the_application_may_set_its_own_service() -> None:
    async with served(app_of(fine), service="worker") as here:
        await here.client.get("/here")
        assert (await here.request()).tags["service"] == "worker"


async def test_monitor_starts_and_stops_with_the_application() -> None:
    store = OwnStore()
    monitor = Monitor(service="catalogue", store=store)
    app = app_of(fine)
    instrument(app, monitor)
    async with listening(app) as port, aiohttp.ClientSession() as client:
        await client.get(f"http://127.0.0.1:{port}/here")
    assert store.closed
    assert [point.measurement for point in store.recorded] == ["requests"]


class Broken(Monitor):
    """A Monitor whose ``emit`` and clock fail."""

    def emit(self, point: Any) -> None:
        raise ZeroDivisionError("emit")

    @property
    def clock(self) -> Any:
        return BrokenClock()


class BrokenClock:
    """A clock that always fails."""

    @property
    def ticks(self) -> Any:
        raise ZeroDivisionError("clock")

    text = ticks


async def test_a_failing_monitor_does_not_change_the_response(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_HELD", 1)
    app = web.Application(middlewares=[middleware(Broken(store=OwnStore()))])
    app.router.add_get("/here", fine)
    async with listening(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            answer = await client.get("/here")
            assert (answer.status, await answer.text()) == (200, "fine")
        assert (await client.get("/nowhere")).status == 404
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert logged == ["a request could not be recorded (1 so far): emit"]


async def test_exception_whose_code_cannot_be_read_changes_nothing_for_the_client() -> None:
    async def broken(_: web.Request) -> web.Response:
        raise UntellableError

    async with served(app_of(broken)) as here:
        assert (await here.client.get("/here")).status == 500
        [error] = await here.points("errors", 1)
        assert error.tags["error_code"] == "500"


async def test_monitor_that_was_stopped_changes_nothing() -> None:
    monitor = Monitor(service="catalogue", store=OwnStore())
    app = web.Application(middlewares=[middleware(monitor)])
    app.router.add_get("/here", fine)
    async with listening(app) as port, aiohttp.ClientSession() as client:
        async with monitor:
            pass
        assert (await client.get(f"http://127.0.0.1:{port}/here")).status == 200
    assert monitor.counts.dropped_by == {"stopped": 1}


async def test_other_points_may_be_emitted_next_to_those_of_the_middleware() -> None:
    class Sold(Point, measurement="sold"):
        pieces: int

    async def sell(_: web.Request) -> web.Response:
        here.monitor.emit(Sold(pieces=3))
        return web.Response()

    async with served(app_of(sell)) as here:
        await here.client.get("/here")
        (sold,) = await here.points("sold", 1)
        assert sold.fields == {"pieces": 3}
