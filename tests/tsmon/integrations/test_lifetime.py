"""The life of a Monitor with its application: however often it begins, and whether or not it can start."""

import asyncio
import contextlib
import math
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fastapi import FastAPI
from litestar import Litestar, get
from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.services.own_store import OwnStore
from tests.tsmon.monitor.test_background import until
from tsmon import Monitor
from tsmon.delivery.accounting import Counts
from tsmon.integrations.aiohttp import instrument
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.integrations.lifetime import Lifetime
from tsmon.settings import MonitoringSettings
from tsmon.stores.sqlite import SqliteStore

Application = Any

REWRITE_S = 2.0
SERVER_START_S = 30.0

lifespans: list[str] = []


@contextlib.asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    lifespans.append("begun")
    yield
    lifespans.append("ended")


def starlette_app() -> Application:
    async def hello(_: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse("hello")

    return Starlette(routes=[Route("/hello", hello)], lifespan=lifespan)


def fastapi_app() -> Application:
    app = FastAPI(lifespan=lifespan)

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    return app


def litestar_app() -> Application:
    @get("/hello")
    async def hello() -> str:
        return "hello"

    return Litestar([hello], lifespan=[lifespan], logging_config=None)


async def bare_app(scope: Any, receive: Any, send: Any) -> None:
    """Without a lifespan of its own."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


APPLICATIONS: dict[str, Callable[[], Application]] = {
    "starlette": starlette_app,
    "fastapi": fastapi_app,
    "litestar": litestar_app,
    "bare": lambda: bare_app,
}

every_application = pytest.mark.parametrize("make", APPLICATIONS.values(), ids=APPLICATIONS.keys())


def plain(**changes: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate({"flushing_period": 1e6, "spool": "off", "service": "web"} | changes)


def checked(monitor: Monitor) -> Counts:
    found = monitor.counts
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped
    return found


def requests_of(store: OwnStore) -> int:
    return sum(point.measurement == "requests" for point in store.recorded)


@pytest.fixture(autouse=True)
def forget_lifespans() -> Iterator[None]:
    lifespans.clear()
    yield
    until(lambda: not [one for one in threading.enumerate() if one.name == "tsmon"])


@every_application
def test_a_lifespan_may_run_many_times(make: Callable[[], Application]) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    app = RequestMiddleware(make(), monitor)
    for turn in range(1, 4):
        with TestClient(app) as client:
            assert client.get("/hello").status_code == 200
        assert requests_of(store) == turn
        assert checked(monitor).pending == 0
    if make is not APPLICATIONS["bare"]:
        assert lifespans == ["begun", "ended"] * 3


@every_application
def test_without_a_lifespan_each_request_has_a_loop_of_its_own(make: Callable[[], Application]) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    client = TestClient(RequestMiddleware(make(), monitor))
    for _ in range(3):
        assert client.get("/hello").status_code == 200
    with client:
        assert client.get("/hello").status_code == 200
    assert requests_of(store) == 4
    assert client.get("/hello").status_code == 200
    asyncio.run(monitor.stop())
    assert requests_of(store) == 5
    assert checked(monitor).dropped == 0


@every_application
def test_one_that_is_switched_off_does_not_matter(make: Callable[[], Application]) -> None:
    client = TestClient(RequestMiddleware(make(), Monitor(MonitoringSettings(enabled=False))))
    for _ in range(2):
        with client:
            assert client.get("/hello").status_code == 200
        assert client.get("/hello").status_code == 200


def bad_path(directory: Path) -> MonitoringSettings:
    (directory / "file").touch()
    return plain(store="sqlite", file=directory / "file" / "metrics.db")


def server_that_is_away(_: Path) -> MonitoringSettings:
    return plain(url="http://127.0.0.1:1", bucket="b")


def missing_token(directory: Path) -> MonitoringSettings:
    return plain(url="http://127.0.0.1:1", bucket="b", token_file=directory / "missing")


FAULTS = [bad_path, server_that_is_away, missing_token]


@every_application
@pytest.mark.parametrize("fault", FAULTS)
def test_an_application_runs_though_its_monitor_cannot_start(
    make: Callable[[], Application],
    fault: Callable[[Path], MonitoringSettings],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = Monitor(fault(tmp_path))
    client = TestClient(RequestMiddleware(make(), monitor))
    for _ in range(2):
        with client:
            assert client.get("/hello").status_code == 200
    if make is not APPLICATIONS["bare"]:
        assert lifespans == ["begun", "ended"] * 2
    assert checked(monitor).pending == 0
    assert checked(monitor).dropped_by == {"stopped": checked(monitor).accepted}
    if fault is not server_that_is_away:
        assert "the Monitor cannot start, points wait in memory, and it is tried again: " in caplog.text
        assert str(tmp_path) in caplog.text


async def test_a_monitor_that_could_not_start_does_as_soon_as_it_can(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.touch()
    monitor = Monitor(plain(store="sqlite", file=in_the_way / "metrics.db"))
    life = Lifetime(monitor)
    await life.begin()
    assert not monitor.is_running
    assert "metrics.db" in str(monitor.last_error)
    in_the_way.unlink()
    while monitor.last_error is not None:
        await asyncio.sleep(0.01)
    assert monitor.is_running
    await life.end()


async def test_a_start_that_hangs_holds_up_neither_the_start_nor_the_end() -> None:
    class Hanging(OwnStore):
        async def open(self) -> None:
            await asyncio.sleep(1e6)

    monitor = Monitor(plain(), store=Hanging())
    life = Lifetime(monitor)
    async with asyncio.timeout(10):
        await life.begin()
        await life.end()
    assert not monitor.is_running


def test_two_applications_share_one_monitor() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    first, second = (TestClient(RequestMiddleware(starlette_app(), monitor)) for _ in range(2))
    with second:
        with first:
            assert first.get("/hello").status_code == 200
        assert second.get("/hello").status_code == 200
    with first:
        with second:
            assert second.get("/hello").status_code == 200
        assert first.get("/hello").status_code == 200
    assert requests_of(store) == 4
    assert checked(monitor).dropped == 0


async def test_a_monitor_that_the_program_started_is_not_stopped_by_an_application() -> None:
    store = OwnStore()
    async with Monitor(plain(), store=store) as monitor:
        client = TestClient(RequestMiddleware(starlette_app(), monitor))
        for _ in range(2):
            # On the loop's thread, as synchronous tests in an asynchronous program do.
            with client:
                assert client.get("/hello").status_code == 200
        assert monitor.is_running
    assert requests_of(store) == 2


EVENT = {
    "version": "2.0",
    "routeKey": "GET /hello",
    "rawPath": "/hello",
    "rawQueryString": "",
    "headers": {"host": "example.org"},
    "requestContext": {
        "http": {"method": "GET", "path": "/hello", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        "stage": "$default",
    },
    "isBase64Encoded": False,
}


@every_application
@pytest.mark.parametrize("mode", ["auto", "on", "off"])
def test_a_serverless_adapter_begins_and_ends_it_with_each_event(
    make: Callable[[], Application], mode: Any
) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        handler = Mangum(RequestMiddleware(make(), monitor), lifespan=mode)
        for turn in range(1, 4):
            answer = handler(EVENT, None)  # type: ignore[arg-type]
            assert answer["statusCode"] == 200
            if mode != "off":
                assert requests_of(store) == turn
        loop.run_until_complete(monitor.stop())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert requests_of(store) == 3


def aiohttp_app(monitor: Monitor) -> web.Application:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/hello", hello)
    instrument(app, monitor)
    return app


async def serve_once(app: web.Application) -> None:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/hello") as answer,
    ):
        assert answer.status == 200
    await runner.cleanup()


def test_one_monitor_lives_with_one_aiohttp_application_after_the_other() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    for turn in range(1, 4):
        asyncio.run(serve_once(aiohttp_app(monitor)))
        assert requests_of(store) == turn


async def test_the_cleanup_contexts_of_an_aiohttp_application_may_run_twice() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    [context] = aiohttp_app(monitor).cleanup_ctx
    for _ in range(2):
        running = context(web.Application())
        await anext(running)  # type: ignore[arg-type]
        assert monitor.is_running
        with pytest.raises(StopAsyncIteration):
            await anext(running)  # type: ignore[arg-type]
        assert not monitor.is_running


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_aiohttp_application_runs_though_its_monitor_cannot_start(
    fault: Callable[[Path], MonitoringSettings], tmp_path: Path
) -> None:
    monitor = Monitor(fault(tmp_path))
    await serve_once(aiohttp_app(monitor))
    await serve_once(aiohttp_app(monitor))
    assert checked(monitor).pending == 0
    assert "stopped" in checked(monitor).dropped_by


def test_a_server_that_reloads_records_before_and_after(tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text(
        f"""
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.settings import MonitoringSettings

async def hello(request):
    return PlainTextResponse("version 1")

monitor = Monitor(MonitoringSettings(store="sqlite", file={str(tmp_path / "metrics.db")!r}), service="reloaded")
app = RequestMiddleware(Starlette(routes=[Route("/hello", hello)]), monitor)
"""
    )
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "reloaded:app", "--reload", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    def answers(text: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello", timeout=5) as answer:
                return bool(answer.read().decode() == text)
        except OSError:
            return False

    try:
        eventually_served(lambda: answers("version 1"))
        changed = module.read_text().replace("version 1", "version 2")
        # The reloader sees a change only after it has looked at the file once.
        written = -math.inf

        def answers_after_change() -> bool:
            nonlocal written
            if time.monotonic() - written > REWRITE_S:
                module.write_text(changed)
                written = time.monotonic()
            return answers("version 2")

        eventually_served(answers_after_change)
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert "Traceback" not in log
    assert asyncio.run(count_requests(tmp_path / "metrics.db")) >= 2


async def count_requests(file: Path) -> int:
    from tsmon.stores import Selector

    async with SqliteStore(file, read_only=True) as store:
        found = await store.counts(Selector("requests", "execution_time"), start_ns=0, stop_ns=2**62)
        return sum(one.count for one in found)


def eventually(condition: Callable[[], object]) -> None:
    until(condition)


def eventually_served(condition: Callable[[], bool]) -> None:
    """As :func:`eventually`, for a server that has to start first."""
    deadline = time.monotonic() + SERVER_START_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
