"""What an ASGI application does after its response is recorded apart from the request, behind real servers."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar import get as litestar_get
from litestar.background_tasks import BackgroundTask as LitestarTask
from litestar.response import Response as LitestarResponse
from quart import Quart
from quart import Response as QuartResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.tsmon.integrations.asgi_servers import SERVERS, fetch, serve, serve_uvicorn
from tests.tsmon_agent.waiting import eventually
from tsmon import BackgroundWork, Monitor, Request, RequestError
from tsmon.integrations.asgi import RequestMiddleware, set_error_code, set_route
from tsmon.integrations.recorder import BACKGROUND_FROM_S
from tsmon.testing import EmittedPoints
from tsmon.work import current_work, timed

HELD_S = 0.03
released = threading.Event()
"""Work in the background waits for it."""


class CodedError(Exception):
    error_code = 77


@pytest.fixture(autouse=True)
def _held() -> None:
    released.clear()


async def release() -> None:
    """Let the work in the background end, some time after the response."""
    await asyncio.sleep(HELD_S)
    released.set()


async def wait_for_release() -> None:
    while not released.is_set():
        await asyncio.sleep(0.002)


async def slow_job() -> None:
    with timed("mail_time"):
        await wait_for_release()
    work = current_work()
    assert work is not None
    work.tags["queue"] = "mail"
    set_route("/never")


def job_in_a_thread() -> None:
    with timed("mail_time"):
        released.wait()
    work = current_work()
    assert work is not None
    work.tags["queue"] = "mail"


async def failing_job() -> None:
    set_error_code(12)
    raise CodedError


JOBS = {"slow": slow_job, "thread": job_in_a_thread, "failing": failing_job}


def collect_before_the_response() -> None:
    with timed("db_time"):
        pass


def fast_app() -> FastAPI:
    app = FastAPI()

    @app.get("/{job}")
    async def run(job: str, tasks: BackgroundTasks) -> str:
        collect_before_the_response()
        tasks.add_task(JOBS[job])
        return "sent"

    return app


async def start_job(request: StarletteRequest) -> PlainTextResponse:
    collect_before_the_response()
    return PlainTextResponse("sent", background=BackgroundTask(JOBS[request.path_params["job"]]))


async def pass_on(request: StarletteRequest, call_next: Any) -> Any:
    return await call_next(request)


def starlette_app(*middleware: Middleware) -> Starlette:
    return Starlette(routes=[Route("/{job}", start_job)], middleware=list(middleware))


def litestar_app() -> Litestar:
    @litestar_get("/{job:str}")
    async def run(request: LitestarRequest[Any, Any, Any]) -> LitestarResponse[str]:
        collect_before_the_response()
        return LitestarResponse("sent", background=LitestarTask(JOBS[request.path_params["job"]]))

    return Litestar([run])


def base_middleware_app() -> Starlette:
    return starlette_app(Middleware(BaseHTTPMiddleware, dispatch=pass_on))


APPS = [fast_app, starlette_app, base_middleware_app, litestar_app]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("job", ["slow", "thread"])
@pytest.mark.parametrize("make", APPS)
async def test_slow_work_after_the_response_is_no_part_of_the_request(
    make: Any, job: str, server: str, tsmon: EmittedPoints
) -> None:
    async with serve(make(), SERVERS[server]) as port:
        answer = await fetch(port, f"/{job}")
        request = tsmon.one(Request)
        tsmon.none(BackgroundWork)
        await release()
        await eventually(lambda: tsmon.points(BackgroundWork))
    assert request.execution_time <= answer.time_s
    assert (request.status_code, request.tags, set(request.fields or ())) == (200, None, {"db_time"})
    work = tsmon.one(BackgroundWork)
    assert (work.route, work.status_code, work.outcome) == (request.route, 200, "completed")
    assert (work.request_id, work.error, work.error_code) == (request.request_id, None, None)
    assert HELD_S <= work.execution_time < HELD_S + 5
    assert work.tags == {"queue": "mail"}
    assert set(work.fields or ()) == {"mail_time"}
    assert isinstance(work.time, int)
    assert isinstance(request.time, int)
    assert abs(work.time - request.time - round(request.execution_time * 1e9)) <= 1
    tsmon.none(RequestError)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("make", APPS)
async def test_work_that_fails_after_the_response_is_no_error_of_the_request(
    make: Any, server: str, tsmon: EmittedPoints
) -> None:
    async with serve(make(), SERVERS[server]) as port:
        assert (await fetch(port, "/failing")).status == 200
        await eventually(lambda: tsmon.points(BackgroundWork))
    assert tsmon.one(Request).status_code == 200
    tsmon.none(RequestError)
    work = tsmon.one(BackgroundWork)
    assert (work.outcome, work.error_code, work.status_code) == ("failed", 12, 200)
    assert work.error in ("CodedError", "ExceptionGroup", "LitestarException")


@pytest.mark.parametrize("order", ["inside", "outside"])
async def test_added_as_the_frameworks_own_middleware(order: str, tsmon: EmittedPoints) -> None:
    monitor = Monitor(service="web")
    app = starlette_app()
    if order == "outside":
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    app.add_middleware(RequestMiddleware, monitor=monitor)
    if order == "inside":
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    async with serve_uvicorn(app) as port:
        answer = await fetch(port, "/slow")
        await release()
        await eventually(lambda: tsmon.points(BackgroundWork))
    assert tsmon.one(Request).execution_time <= answer.time_s
    assert tsmon.one(BackgroundWork).outcome == "completed"


async def test_the_number_in_progress_falls_with_the_response(tsmon: EmittedPoints) -> None:
    middleware = RequestMiddleware(fast_app(), Monitor(service="web"))
    async with serve_uvicorn(middleware) as port:
        await fetch(port, "/slow")
        assert middleware._recorder.in_progress == 0
        tsmon.none(BackgroundWork)
        await release()
        await eventually(lambda: tsmon.points(BackgroundWork))


async def test_quick_work_is_recorded_only_with_data(tsmon: EmittedPoints) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})
        if scope["path"] == "/data":
            with timed("mail_time"):
                pass

    async with serve(app) as port:
        await fetch(port, "/nothing")
        await fetch(port, "/data")
        await eventually(lambda: [point for point in tsmon.points(BackgroundWork) if point.fields])
    (work,) = [
        point for point in tsmon.points(BackgroundWork) if point.fields or point.execution_time < BACKGROUND_FROM_S
    ]
    assert set(work.fields or ()) == {"mail_time"}
    assert [point.fields for point in tsmon.points(Request)] == [None, None]


async def test_data_from_a_dictionary_that_was_kept_is_not_the_requests(tsmon: EmittedPoints) -> None:
    async def keep(request: StarletteRequest) -> PlainTextResponse:
        work = current_work()
        assert work is not None
        fields = work.fields
        fields["before"] = 1

        async def later() -> None:
            fields["after"] = 1
            await asyncio.sleep(0.02)

        return PlainTextResponse("x", background=BackgroundTask(later))

    monitor = Monitor(service="web")
    app = RequestMiddleware(Starlette(routes=[Route("/", keep)]), monitor)
    app._recorder._max_waiting = 64  # As without the fixture: points wait for the next flush.
    async with serve_uvicorn(app) as port:
        await fetch(port, "/", more=lambda: eventually(lambda: tsmon.points(BackgroundWork)))  # type: ignore[arg-type]
        await monitor.flush()
    assert tsmon.one(Request).fields == {"before": 1}


async def test_dependencies_with_yield_and_lasting_generators_follow_the_response(tsmon: EmittedPoints) -> None:
    async def session() -> AsyncIterator[str]:
        yield "session"
        await wait_for_release()

    app = FastAPI()

    @app.get("/")
    async def read(found: str = Depends(session)) -> str:
        return found

    async with serve(app) as port:
        answer = await fetch(port, "/")
        await release()
        await eventually(lambda: tsmon.points(BackgroundWork))
    assert tsmon.one(Request).execution_time <= answer.time_s
    assert tsmon.one(BackgroundWork).execution_time >= HELD_S


async def test_quart_has_tasks_of_its_own(tsmon: EmittedPoints) -> None:
    app = Quart("shop")
    ended = asyncio.Event()

    async def later() -> None:
        await wait_for_release()
        with timed("mail_time"):
            ended.set()

    @app.get("/")
    async def start() -> QuartResponse:
        app.add_background_task(later)
        return QuartResponse("sent")

    async with serve(app) as port:
        answer = await fetch(port, "/")
        await release()
        await ended.wait()
    request = tsmon.one(Request)
    assert (request.route, request.execution_time <= answer.time_s, request.fields) == ("GET:/", True, None)


async def test_an_answered_exception_is_the_requests_and_not_that_of_work(tsmon: EmittedPoints) -> None:
    async def fail(_: Any) -> JSONResponse:
        raise CodedError

    async def answer(_: Any, error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=503, background=None)

    for handlers in ({}, {Exception: answer}, {CodedError: answer}):
        app = Starlette(routes=[Route("/", fail)], exception_handlers=handlers)  # type: ignore[arg-type]
        async with serve(app) as port:
            status = (await fetch(port, "/")).status
            assert status == (503 if handlers else 500)
        tsmon.none(BackgroundWork, outcome="failed")
        error = tsmon.points(RequestError)[-1]
        assert (error.status_code, error.error_code) == (status, 77)


async def test_a_stream_whose_work_fails_after_the_end(tsmon: EmittedPoints) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0.05)
        yield b"two"

    async def stream(_: Any) -> StreamingResponse:
        return StreamingResponse(parts(), background=BackgroundTask(failing_job))

    async with serve(Starlette(routes=[Route("/", stream)])) as port:
        answer = await fetch(port, "/", more=lambda: eventually(lambda: tsmon.points(BackgroundWork)))  # type: ignore[arg-type]
    request = tsmon.one(Request)
    assert (answer.body, request.status_code) == (b"onetwo", 200)
    assert 0.05 <= request.execution_time <= answer.time_s + 0.05
    assert tsmon.one(BackgroundWork).outcome == "failed"
