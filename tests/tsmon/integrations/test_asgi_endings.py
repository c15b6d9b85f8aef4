"""How HTTP requests end behind real ASGI servers, and what is recorded then: status and time are the client's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from quart import Quart
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.tsmon.integrations.asgi_servers import SERVERS, Answer, fetch, leave_during, serve, serve_uvicorn
from tests.tsmon_agent.waiting import eventually
from tsmon import BackgroundWork, Monitor, Request, RequestError
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.testing import EmittedPoints

BROKEN_OFF = (asyncio.IncompleteReadError, ConnectionError, ValueError)
"""How a client notices that the response does not come to its end."""

servers = pytest.mark.parametrize("server", SERVERS)


class Raw:
    """An application that sends what its test wants, and waits where it wants."""

    def __init__(self, serve: Callable[["Raw", Any, Any], Any], headers: Any = (), status: int = 200) -> None:
        self._serve = serve
        self._start = {"type": "http.response.start", "status": status, "headers": list(headers)}
        self.begun = asyncio.Event()
        self.released = asyncio.Event()
        self._send: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError
        self._send = send
        await self._serve(self, receive, send)

    async def start(self) -> None:
        await self._send(self._start)

    async def body(self, part: bytes = b"", more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})


async def ask(app: Raw, server: str, path: str = "/", method: str = "GET", *, released: bool = True) -> Answer:
    """Fetch, and let the application end afterwards."""

    async def release() -> None:
        if released:
            await asyncio.sleep(0.03)
        app.released.set()

    async with serve(app, SERVERS[server]) as port:
        return await fetch(port, path, method, more=release)


@servers
async def test_a_body_of_a_declared_length_ends_with_its_last_byte(server: str, tsmon: EmittedPoints) -> None:
    async def run(app: Raw, *_: Any) -> None:
        await app.start()
        await app.body(b"abc", more=True)
        await app.body(b"def", more=True)
        await app.released.wait()
        await app.body()

    answer = await ask(Raw(run, [(b"Content-Length", b"6")]), server)
    request = tsmon.one(Request)
    assert (answer.body, request.status_code) == (b"abcdef", 200)
    assert request.execution_time <= answer.time_s
    assert tsmon.one(BackgroundWork).execution_time >= 0.03


@servers
async def test_a_body_of_unknown_length_ends_with_its_end(server: str, tsmon: EmittedPoints) -> None:
    async def run(app: Raw, *_: Any) -> None:
        await app.start()
        await app.body(b"abc", more=True)
        await asyncio.sleep(0.05)
        await app.body()

    answer = await ask(Raw(run), server)
    assert 0.05 <= tsmon.one(Request).execution_time <= answer.time_s
    tsmon.none(BackgroundWork, outcome="failed")


@servers
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)])
async def test_responses_without_body_end_with_their_headers(
    method: str, status: int, server: str, tsmon: EmittedPoints
) -> None:
    async def run(app: Raw, *_: Any) -> None:
        await app.start()
        await app.released.wait()
        await app.body()

    answer = await ask(Raw(run, status=status), server, method=method)
    request = tsmon.one(Request)
    assert (answer.status, request.status_code) == (status, status)
    assert request.execution_time <= answer.time_s
    assert tsmon.one(BackgroundWork).outcome == "completed"


@servers
async def test_a_body_that_ends_too_early_is_500(server: str, tsmon: EmittedPoints) -> None:
    async def run(app: Raw, *_: Any) -> None:
        await app.start()
        await app.body(b"abc", more=True)

    with pytest.raises(BROKEN_OFF):
        await ask(Raw(run), server)
    assert tsmon.one(RequestError).status_code == 500


@servers
async def test_an_application_that_sends_nothing_is_500(server: str, tsmon: EmittedPoints) -> None:
    async def run(app: Raw, *_: Any) -> None:
        pass

    assert (await ask(Raw(run), server)).status == 500
    assert tsmon.one(RequestError).status_code == 500


@servers
@pytest.mark.parametrize("after", ["nothing", "headers", "part", "all"])
async def test_an_exception_is_500_until_the_client_has_everything(
    after: str, server: str, tsmon: EmittedPoints
) -> None:
    async def run(app: Raw, *_: Any) -> None:
        if after != "nothing":
            await app.start()
        if after in ("part", "all"):
            await app.body(b"abc", more=after == "part")
        raise ZeroDivisionError

    if after in ("nothing", "all"):
        answer = await ask(Raw(run), server)
        assert answer.status == (500 if after == "nothing" else 200)
    else:
        with pytest.raises(BROKEN_OFF):
            await ask(Raw(run), server)
    assert tsmon.one(Request).status_code == (200 if after == "all" else 500)
    assert len(tsmon.points(RequestError)) == (0 if after == "all" else 1)
    assert [point.error for point in tsmon.points(BackgroundWork)] == (
        ["ZeroDivisionError"] if after == "all" else []
    )


@servers
async def test_a_client_that_leaves_before_the_response_is_499(server: str, tsmon: EmittedPoints) -> None:
    """The application neither listens for it nor notices it when it sends."""

    async def run(app: Raw, *_: Any) -> None:
        app.begun.set()
        await app.released.wait()
        await app.start()
        await app.body(b"abc")

    app = Raw(run)
    async with serve(app, SERVERS[server]) as port:
        await leave_during(port, "/", app.begun.is_set)
        await asyncio.sleep(0.05)
        app.released.set()
        await eventually(lambda: tsmon.points(Request))
    assert tsmon.one(RequestError).status_code == 499


@servers
async def test_long_polling_ends_when_the_client_leaves(server: str, tsmon: EmittedPoints) -> None:
    async def run(app: Raw, receive: Any, _: Any) -> None:
        app.begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await app.released.wait()

    app = Raw(run)
    async with serve(app, SERVERS[server]) as port:
        await leave_during(port, "/", app.begun.is_set)
        await eventually(lambda: tsmon.points(Request))
        tsmon.none(BackgroundWork)
        await asyncio.sleep(0.03)
        app.released.set()
        await eventually(lambda: tsmon.points(BackgroundWork))
    assert tsmon.one(RequestError).status_code == 499
    assert tsmon.one(BackgroundWork).outcome == "completed"


@pytest.mark.parametrize("kind", ["event-stream", "plain"])
async def test_streams_and_events_of_starlette(kind: str, tsmon: EmittedPoints) -> None:
    ended: list[str] = []

    async def parts(count: int) -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.01)
        finally:
            ended.append("ended")

    async def stream(request: StarletteRequest) -> StreamingResponse:
        return StreamingResponse(parts(int(request.path_params["count"])), media_type=f"text/{kind}")

    async with serve(Starlette(routes=[Route("/{count}", stream)])) as port:
        answer = await fetch(port, "/3")
        assert answer.body.count(b"data") == 3
        assert 0.03 <= tsmon.one(Request, status_code=200).execution_time <= answer.time_s
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /100000 HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"data: 1\n\n")
        writer.transport.abort()
        await eventually(lambda: len(tsmon.points(Request)) == 2)
        await eventually(lambda: len(ended) == 2)
    assert tsmon.one(RequestError).status_code == 499
    tsmon.none(BackgroundWork, outcome="failed")


async def test_quart_cancels_what_nobody_waits_for(tsmon: EmittedPoints) -> None:
    app = Quart("shop")
    begun = asyncio.Event()

    @app.get("/<name>")
    async def wait(name: str) -> str:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serve(app) as port:
        await leave_during(port, "/a", begun.is_set)
        await eventually(lambda: tsmon.points(Request))
    assert tsmon.one(Request).route == "GET:/<name>"
    assert tsmon.one(RequestError).status_code == 499


async def test_a_group_of_exceptions_that_only_say_that_the_client_left_is_no_failed_work(
    tsmon: EmittedPoints,
) -> None:
    async def app(_: Any, receive: Any, __: Any) -> None:
        await receive()
        raise ExceptionGroup("tasks", [ConnectionResetError(), ExceptionGroup("more", [BrokenPipeError()])])

    async def leave() -> Any:
        return {"type": "http.disconnect"}

    async def discard(_: Any) -> None: ...

    middleware = RequestMiddleware(app, Monitor(service="web"), manages_monitor=False)
    with pytest.raises(ExceptionGroup):
        await middleware({"type": "http", "method": "GET", "path": "/", "headers": []}, leave, discard)
    assert tsmon.one(Request).status_code == 499
    tsmon.none(BackgroundWork)


async def test_a_cancelled_application_is_499_before_its_response_and_its_work_cancelled_after_it(
    tsmon: EmittedPoints,
) -> None:
    async def never(app: Raw, *_: Any) -> None:
        app.begun.set()
        await asyncio.Event().wait()

    async def after(app: Raw, *_: Any) -> None:
        await app.start()
        await app.body(b"x")
        app.begun.set()
        await asyncio.Event().wait()

    async def discard(*_: Any) -> Any: ...

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    for run in (never, after):
        app = Raw(run)
        middleware = RequestMiddleware(app, Monitor(service="web"), manages_monitor=False)
        task = asyncio.create_task(middleware(dict(scope), discard, discard))
        await app.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [point.status_code for point in tsmon.points(Request)] == [499, 200]
    assert tsmon.one(BackgroundWork).outcome == "cancelled"


async def test_files_and_responses_of_one_part(tmp_path: Any, tsmon: EmittedPoints) -> None:
    file = tmp_path / "big.bin"
    file.write_bytes(bytes(1_000_000))

    async def send_file(_: Any) -> FileResponse:
        return FileResponse(file)

    async def send_nothing(_: Any) -> Response:
        return Response(status_code=204)

    app = Starlette(routes=[Route("/file", send_file), Route("/nothing", send_nothing)])
    async with serve_uvicorn(RequestMiddleware(app, Monitor(service="web"))) as port:
        assert len((await fetch(port, "/file")).body) == 1_000_000
        assert (await fetch(port, "/file", "HEAD")).status == 200
        assert (await fetch(port, "/nothing")).status == 204
    assert [(point.route, point.status_code) for point in tsmon.points(Request)] == [
        ("GET:/file", 200),
        ("HEAD:/file", 200),
        ("GET:/nothing", 204),
    ]
    tsmon.none(BackgroundWork, outcome="failed")
