"""Routes of the Django application in the tests of the middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def thing(_: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


async def asynchronous(_: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(name)


def broken(_: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("things/<int:number>/", thing),
    path("async/<name>/", asynchronous),
    path("broken/", broken),
]
