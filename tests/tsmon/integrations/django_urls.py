"""Routes of the Django application in the tests of the middleware."""

import asyncio
from collections.abc import AsyncIterator

from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path


def thing(_: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


async def asynchronous(_: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(name)


def broken(_: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def anything(_: HttpRequest, *__: str, **___: str) -> HttpResponse:
    return HttpResponse("fine")


async def parts(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"part"
        await asyncio.sleep(0.005)


async def stream(_: HttpRequest, count: int) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts(count))


leaves = [
    path("leaf/<slug:key>/", anything, name="leaf"),
    re_path(r"^year/(?P<year>[0-9]{4})/(?:page-(?P<page>\d+)/)?$", anything),
    re_path(r"unnamed/([a-z]+)/(\d+)/$", anything),
]
urlpatterns = [
    path("things/<int:number>/", thing),
    path("async/<name>/", asynchronous),
    path("broken/", broken),
    path("stream/<int:count>/", stream),
    path("api/<tenant>/", include((leaves, "shop"), namespace="first")),
    re_path(r"^old/(?P<tenant>\w+)/", include((leaves, "shop"), namespace="second")),
    *i18n_patterns(path("about/<key>/", anything)),
]
