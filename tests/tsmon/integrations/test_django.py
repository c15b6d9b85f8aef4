"""Django's routes and responses, behind ASGI and WSGI servers."""

import asyncio
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.tsmon.integrations.asgi_servers import fetch, serve
from tests.tsmon.integrations.test_asgi import django
from tests.tsmon.integrations.test_wsgi import served
from tests.tsmon_agent.waiting import eventually
from tsmon import BackgroundWork, Request, RequestError
from tsmon.integrations.django_route import format_django_route
from tsmon.testing import EmittedPoints

ROUTES = {
    "/things/3/": (200, "/things/<int:number>/"),
    "/async/x/": (200, "/async/<name>/"),
    "/api/acme/leaf/a-b/": (200, "/api/<tenant>/leaf/<slug:key>/"),
    "/api/acme/year/2026/": (200, "/api/<tenant>/year/<year>/page-<page>/"),
    "/api/acme/unnamed/a/3/": (200, "/api/<tenant>/unnamed/<var>/<var>/"),
    "/old/acme/leaf/a/": (200, "/old/<tenant>/leaf/<slug:key>/"),
    "/old/acme/year/2026/page-2/": (200, "/old/<tenant>/year/<year>/page-<page>/"),
    "/en-us/about/us/": (200, "/en-us/about/<key>/"),
    "/fr/about/us/": (404, "unmatched"),
    "/api/acme/nothing/": (404, "unmatched"),
}


@pytest.mark.parametrize(
    ("route", "template"),
    [
        ("", "/"),
        ("things/<int:number>/", "/things/<int:number>/"),
        ("a+b/(c)/<x>", "/a+b/(c)/<x>"),
        (r"^things/(?P<number>[0-9]+)/$", "/things/<number>/"),
        (r"^api/^v(?P<v>\d)/<slug:key>/(?:(?P<page>(a|b)c)/)?\Z", "/api/v<v>/<slug:key>/<page>/"),
        (r"^files/(?P<path>.*)$", "/files/<path>"),
        (r"^a/\d{1,3}/[^/]+/[]x)]*/.*/x\.html$", "/a/<var>/<var>/<var>/<var>/x.html"),
        (r"^(?i:x)(?=y)(\w+(\d))z$", "/<var>z"),
        (r"^broken\(/(?P<x>[)]", "/broken(/<x>"),
    ],
)
def test_regular_expressions_are_written_as_templates(route: str, template: str) -> None:
    assert format_django_route(route) == template


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    with django():
        yield


def asgi_app() -> Any:
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


async def test_routes_of_includes_languages_and_regular_expressions(tsmon: EmittedPoints) -> None:
    async with serve(asgi_app(), lifespan="off") as port:
        found = {path: (await fetch(port, path)).status for path in ROUTES}
    assert list(found.values()) == [status for status, _ in ROUTES.values()]
    assert [point.route for point in tsmon.points(Request)] == [f"GET:{route}" for _, route in ROUTES.values()]


def test_the_same_routes_by_wsgi(tsmon: EmittedPoints) -> None:
    from django.core.wsgi import get_wsgi_application

    with served(get_wsgi_application()) as get:
        for path in ROUTES:
            get(urllib.parse.quote(path))
    assert [point.route for point in tsmon.points(Request)] == [f"GET:{route}" for _, route in ROUTES.values()]


async def test_mounted_in_starlette(tsmon: EmittedPoints) -> None:
    app = Starlette(routes=[Mount("/shops/{shop}", asgi_app())])
    async with serve(app) as port:
        assert (await fetch(port, "/shops/a/things/3/")).status == 200
        assert (await fetch(port, "/shops/a/old/acme/leaf/a/")).status == 200
    assert [point.route for point in tsmon.points(Request)] == [
        "GET:/shops/{shop}/things/<int:number>/",
        "GET:/shops/{shop}/old/<tenant>/leaf/<slug:key>/",
    ]


async def test_streams_and_clients_that_leave(tsmon: EmittedPoints) -> None:
    async with serve(asgi_app(), lifespan="off") as port:
        answer = await fetch(port, "/stream/4/")
        assert answer.body == b"part" * 4
        assert 0.015 <= tsmon.one(Request).execution_time <= answer.time_s
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stream/100000/ HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"part")
        writer.transport.abort()
        await eventually(lambda: len(tsmon.points(Request)) == 2)
    assert tsmon.one(RequestError).status_code == 499


async def test_receivers_of_the_end_of_a_request_follow_the_response(tsmon: EmittedPoints) -> None:
    from django.core.signals import request_finished

    released = asyncio.Event()

    async def finish(**_: Any) -> None:
        while not released.is_set():
            await asyncio.sleep(0.002)

    request_finished.connect(finish)
    try:
        async with serve(asgi_app(), lifespan="off") as port:
            answer = await fetch(port, "/async/x/")
            assert tsmon.one(Request).execution_time <= answer.time_s
            tsmon.none(BackgroundWork)
            await asyncio.sleep(0.03)
            released.set()
            await eventually(lambda: tsmon.points(BackgroundWork))
    finally:
        request_finished.disconnect(finish)
    assert tsmon.one(BackgroundWork).route == "GET:/async/<name>/"
