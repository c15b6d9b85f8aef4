"""Applications of ASGI frameworks that answer ``/hello``, and Monitors that cannot start."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from quart import Quart
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.services.own_store import OwnStore
from tsmon import Monitor
from tsmon.delivery.accounting import Counts
from tsmon.settings import MonitoringSettings

__all__ = [
    "APPLICATIONS",
    "FAULTS",
    "Application",
    "check_counts",
    "count_requests",
    "every_application",
    "lifespans",
    "plain",
    "server_that_is_away",
    "starlette_app",
]

Application = Any

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


def quart_app() -> Application:
    app = Quart(__name__)

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.before_serving
    async def begin() -> None:
        lifespans.append("begun")

    @app.after_serving
    async def end() -> None:
        lifespans.append("ended")

    return app


async def bare_app(scope: Any, receive: Any, send: Any) -> None:
    """Without a lifespan of its own."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


APPLICATIONS: dict[str, Callable[[], Application]] = {
    "starlette": starlette_app,
    "fastapi": fastapi_app,
    "litestar": litestar_app,
    "quart": quart_app,
    "bare": lambda: bare_app,
}

every_application = pytest.mark.parametrize("make", APPLICATIONS.values(), ids=APPLICATIONS.keys())


def plain(**changes: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate({"flushing_period": 1e6, "spool": "off", "service": "web"} | changes)


def check_counts(monitor: Monitor) -> Counts:
    found = monitor.counts
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped
    return found


def count_requests(store: OwnStore) -> int:
    return sum(point.measurement == "requests" for point in store.recorded)


def bad_path(directory: Path) -> MonitoringSettings:
    (directory / "file").touch()
    return plain(store="sqlite", file=directory / "file" / "metrics.db")


def server_that_is_away(_: Path) -> MonitoringSettings:
    return plain(url="http://127.0.0.1:1", bucket="b")


def missing_token(directory: Path) -> MonitoringSettings:
    return plain(url="http://127.0.0.1:1", bucket="b", token_file=directory / "missing")


FAULTS = [bad_path, server_that_is_away, missing_token]
