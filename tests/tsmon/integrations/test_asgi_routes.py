"""Routes of ASGI frameworks are whole templates wherever the middleware is, and never the path of a request."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from litestar import Controller, Litestar
from litestar import Request as LitestarRequest
from litestar import Router as LitestarRouter
from litestar import asgi as litestar_asgi
from litestar import get as litestar_get
from litestar.static_files import create_static_files_router
from quart import Blueprint, Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router

from tests.tsmon.integrations.asgi_servers import fetch, serve_uvicorn
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor, Request
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.testing import EmittedPoints

Case = tuple[str, int, str]
"""A path, with method and host if they are not GET and x; the status; the route."""


def serve_with(place: str, app: Any, **options: Any) -> AbstractAsyncContextManager[int]:
    monitor = Monitor(service="web")
    if place == "outside":
        app = RequestMiddleware(app, monitor)
    else:
        app.add_middleware(RequestMiddleware, monitor=monitor)
    return serve_uvicorn(app, **options)


async def check(port: int, cases: Iterable[Case], tsmon: EmittedPoints) -> None:
    found, expected = [], []
    for asked, status, route in cases:
        *method, path = asked.split()
        path, _, host = path.partition("@")
        answer = await fetch(port, path, *method, host=host or "x")
        await eventually(lambda: len(tsmon.points(Request)) > len(found))
        found.append((asked, answer.status, tsmon.points(Request)[-1].route))
        expected.append((asked, status, f"{method[0] if method else 'GET'}:{route}"))
    assert found == expected
    assert len(tsmon.points(Request)) == len(found)


deprecated = pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
places = pytest.mark.parametrize("place", ["inside", "outside"])


async def plain(_: Any) -> PlainTextResponse:
    return PlainTextResponse("fine")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "index.html").write_text("index")
    return tmp_path


def routers() -> APIRouter:
    """A router in a router in a router, with routes of FastAPI and of Starlette and a mount."""
    inner, middle, outer = APIRouter(), APIRouter(prefix="/middle"), APIRouter()

    @inner.get("/leaf/{key}")
    async def leaf(key: str) -> str:
        return key

    @inner.get("/typed/{number:int}")
    async def typed(number: int) -> int:
        return number

    inner.add_route("/plain/{key}", plain)
    inner.mount("/mounted/{who}", Starlette(routes=[Route("/deep/{key}", plain)]))
    middle.include_router(inner, prefix="/{tenant}")
    outer.include_router(middle, prefix="/api")
    return outer


ROUTED: list[Case] = [
    ("/api/middle/acme/leaf/3", 200, "/api/middle/{tenant}/leaf/{key}"),
    ("/api/middle/acme/typed/3", 200, "/api/middle/{tenant}/typed/{number}"),
    ("/api/middle/acme/plain/3", 200, "/api/middle/{tenant}/plain/{key}"),
    ("/api/middle/acme/mounted/me/deep/3", 200, "/api/middle/{tenant}/mounted/{who}/deep/{key}"),
    ("/api/middle/acme/mounted/me/nothing", 404, "unmatched"),
    ("POST /api/middle/acme/leaf/3", 405, "/api/middle/{tenant}/leaf/{key}"),
    ("/api/middle/acme/leaf/3/", 307, "/api/middle/{tenant}/leaf/{key}"),
    ("/api/middle/acme/nothing", 404, "unmatched"),
    ("/nothing", 404, "unmatched"),
]


def below(prefix: str, cases: list[Case]) -> list[Case]:
    """The same cases for the same application mounted under ``prefix``."""
    moved = []
    for asked, status, route in cases:
        method, path = asked.rsplit(" ", 1) if " " in asked else ("", asked)
        template = route if route == "unmatched" else prefix + route
        moved.append((f"{method} {prefix.replace('{tenant}', 'acme')}{path}".strip(), status, template))
    return moved


@deprecated
@places
@pytest.mark.parametrize("root", ["", "server, stripped", "parameter, kept", "parameter, stripped"])
async def test_fastapi_with_included_routers(place: str, root: str, tsmon: EmittedPoints) -> None:
    app = FastAPI(root_path="/front/end") if "parameter" in root else FastAPI()
    app.include_router(routers())
    # A server with a root path expects that the proxy has stripped it, and adds it again.
    options = {"root_path": "/front/end"} if "server" in root else {}
    kept = root == "parameter, kept"
    mounts_break = root == "parameter, stripped"  # Then Starlette finds nothing below a mount.
    cases = [(asked.replace("/", "/front/end/", 1), *rest) for asked, *rest in ROUTED] if kept else ROUTED
    async with serve_with(place, app, **options) as port:
        await check(port, [one for one in cases if not (mounts_break and "mounted" in one[0])], tsmon)


@places
async def test_fastapi_mounted(place: str, tsmon: EmittedPoints) -> None:
    inner = FastAPI()
    inner.include_router(routers())
    middle = FastAPI()
    middle.mount("/inner", inner)
    app = FastAPI()
    app.mount("/tenants/{tenant}", middle)
    app.mount("/wrapped", CORSMiddleware(inner, allow_origins=["*"]))
    cases = [*below("/tenants/{tenant}/inner", ROUTED), *below("/wrapped", ROUTED)]
    cases += [
        ("/docs", 200, "/docs"),
        ("/wrapped/docs", 200, "/wrapped/docs"),
        ("/openapi.json", 200, "/openapi.json"),
    ]
    async with serve_with(place, app) as port:
        await check(port, cases, tsmon)


@deprecated
async def test_starlette_mounted_with_a_root_path(tsmon: EmittedPoints) -> None:
    inner = FastAPI()
    inner.include_router(routers())
    app = FastAPI(root_path="/front")
    app.mount("/sub", inner)
    cases = [(asked.replace("/sub", "/front/sub", 1), *rest) for asked, *rest in below("/sub", ROUTED)]
    async with serve_with("outside", app) as port:
        await check(port, cases, tsmon)


class CopyOfScope:
    """A middleware that passes a copy of the scope on, so that those around it see no route in theirs."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(dict(scope), receive, send)


@places
async def test_a_middleware_that_copies_the_scope(place: str, tsmon: EmittedPoints) -> None:
    inner = FastAPI()
    inner.include_router(routers())
    app = FastAPI()
    app.add_middleware(CopyOfScope)
    app.include_router(routers())
    app.mount("/tenants/{tenant}", CopyOfScope(inner))
    async with serve_with(place, app) as port:
        await check(port, [*ROUTED, *below("/tenants/{tenant}", ROUTED)], tsmon)


async def test_middleware_around_a_mounted_application_records_the_whole_template(tsmon: EmittedPoints) -> None:
    inner = FastAPI()
    inner.include_router(routers())
    inner.add_middleware(RequestMiddleware, monitor=Monitor(service="web"), manages_monitor=False)
    inner.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    app = Starlette(routes=[Mount("/outer", routes=[Mount("/tenants/{tenant}", inner)])])
    async with serve_uvicorn(app) as port:
        await check(port, below("/outer/tenants/{tenant}", ROUTED), tsmon)


@places
async def test_hosts_routers_and_files(place: str, files: Path, tsmon: EmittedPoints) -> None:
    api = FastAPI()
    api.include_router(routers())

    async def hidden(scope: Any, receive: Any, send: Any) -> None:
        await api(scope, receive, send)

    app = Starlette(
        routes=[
            Host("api.example.org", api),
            Host(
                "{tenant}.example.org",
                Router([Route("/things/{key}", plain), Mount("/m", routes=[Route("/{key}", plain)])]),
            ),
            Route("/slash/", plain),
            Mount("/static", StaticFiles(directory=files)),
            Mount("/nested", routes=[Mount("/static", StaticFiles(directory=files), name="files")]),
            Mount("/closure", hidden),
            Mount("/limited", routes=[Route("/{key}", plain)], middleware=[Middleware(CORSMiddleware)]),
        ]
    )
    cases: list[Case] = [(f"{asked}@api.example.org", *rest) for asked, *rest in ROUTED]
    cases += [
        ("/things/3@acme.example.org", 200, "/things/{key}"),
        ("/m/3@acme.example.org", 200, "/m/{key}"),
        ("/nothing@acme.example.org", 404, "unmatched"),
        ("/things/3", 404, "unmatched"),
        ("/slash", 307, "/slash/"),
        ("/slash/", 200, "/slash/"),
        ("/static/a.txt", 200, "/static/{path}"),
        ("/static/b.txt", 404, "/static/{path}"),
        ("POST /static/a.txt", 405, "/static/{path}"),
        ("/nested/static/a.txt", 200, "/nested/static/{path}"),
        ("/closure/api/middle/acme/leaf/3", 200, "/closure/api/middle/{tenant}/leaf/{key}"),
        ("/limited/3", 200, "/limited/{key}"),
    ]
    async with serve_with(place, app) as port:
        await check(port, cases, tsmon)


@places
async def test_files_that_fastapi_serves_where_no_route_matches(
    place: str, files: Path, tsmon: EmittedPoints
) -> None:
    app = FastAPI()
    app.include_router(routers())
    app.frontend("/pages", directory=str(files))
    below_app = FastAPI()
    below_app.frontend("/", directory=str(files))
    app.mount("/sub/{tenant}", below_app)
    cases = [("/pages/a.txt", 200, "/pages/{path}"), ("/sub/acme/a.txt", 200, "/sub/{tenant}/{path}"), *ROUTED]
    async with serve_with(place, app) as port:
        await check(port, cases, tsmon)


def litestar_app(*more: Any) -> Litestar:
    class Things(Controller):
        path = "/things"

        @litestar_get("/{number:int}/{when:date}")
        async def one(self, request: LitestarRequest[Any, Any, Any]) -> str:
            return str(request.path_params["number"])

        @litestar_get("/files/{rest:path}")
        async def rest(self, request: LitestarRequest[Any, Any, Any]) -> str:
            return "rest"

    inner = LitestarRouter("/v2", route_handlers=[Things])
    return Litestar([LitestarRouter("/api", route_handlers=[inner, *more]), *more])


LITESTAR: list[Case] = [
    ("/api/v2/things/3/2026-01-01", 200, "/api/v2/things/{number}/{when}"),
    ("/api/v2/things/3/2026-01-01/", 200, "/api/v2/things/{number}/{when}"),
    ("/api/v2/things/files/a/b/c", 200, "/api/v2/things/files/{rest}"),
    ("/api/v2/things/x/y", 404, "unmatched"),
    ("/nothing", 404, "unmatched"),
    ("POST /api/v2/things/3/2026-01-01", 405, "unmatched"),
]


async def test_litestar(files: Path, tsmon: EmittedPoints) -> None:
    starlette = Starlette(routes=[Route("/deep/{key}/", plain), Mount("/m", routes=[Route("/{key}/", plain)])])

    @litestar_asgi("/mounted", is_mount=True, copy_scope=False)
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await starlette(scope, receive, send)

    @litestar_asgi("/opaque", is_mount=True, copy_scope=True)
    async def opaque(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("fine")(scope, receive, send)

    static = create_static_files_router("/static", directories=[files])
    cases = [
        *LITESTAR,
        ("/mounted/deep/3", 200, "/mounted/deep/{key}/"),
        ("/api/mounted/m/3", 200, "/api/mounted/m/{key}/"),
        ("/mounted/nothing", 404, "unmatched"),
        ("/opaque/a/b", 200, "/opaque/{path}"),
        ("/static/a.txt", 200, "/static/{file_path}"),
    ]
    async with serve_with("outside", litestar_app(mounted, opaque, static)) as port:
        await check(port, cases, tsmon)


def quart_app() -> Quart:
    app = Quart("shop")
    parent, child = (
        Blueprint("parent", "shop", url_prefix="/<tenant>"),
        Blueprint("child", "shop", url_prefix="/child"),
    )

    @child.get("/things/<int:number>")
    async def thing(tenant: str, number: int) -> str:
        return tenant

    @app.get("/slash/")
    async def slash() -> str:
        return "fine"

    parent.register_blueprint(child)
    app.register_blueprint(parent, url_prefix="/api/<tenant>")
    return app


QUART: list[Case] = [
    ("/api/acme/child/things/3", 200, "/api/<tenant>/child/things/<int:number>"),
    ("HEAD /api/acme/child/things/3", 200, "/api/<tenant>/child/things/<int:number>"),
    ("/slash", 308, "unmatched"),
    ("/nothing", 404, "unmatched"),
    ("POST /slash/", 405, "unmatched"),
]


async def test_quart(tsmon: EmittedPoints) -> None:
    async with serve_with("outside", quart_app()) as port:
        await check(port, QUART, tsmon)


async def test_quart_and_litestar_mounted_in_starlette(tsmon: EmittedPoints) -> None:
    app = Starlette(routes=[Mount("/q/{tenant}", quart_app()), Mount("/l/{tenant}", litestar_app())])
    async with serve_with("outside", app) as port:
        cases: list[Case] = [
            ("/q/acme/api/acme/child/things/3", 200, "/q/{tenant}/api/<tenant>/child/things/<int:number>"),
            ("/l/acme/api/v2/things/3/2026-01-01", 200, "/l/{tenant}/api/v2/things/{number}/{when}"),
        ]
        await check(port, cases, tsmon)
