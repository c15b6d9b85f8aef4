"""Django: passes the template of the route to the middleware around the application (ASGI or WSGI).

In ``settings.py``::

    MIDDLEWARE = ["tsmon.integrations.django.RouteMiddleware", …]

and around the application, in ``asgi.py`` or ``wsgi.py``, :mod:`tsmon.integrations.asgi`'s or
:mod:`tsmon.integrations.wsgi`'s ``RequestMiddleware``.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from tsmon.integrations.django_route import format_django_route
from tsmon.integrations.recorder import set_route
from tsmon.integrations.starlette_route import find_starlette_route
from tsmon.threads.locks import raise_interruption

__all__ = ["RouteMiddleware"]


class RouteMiddleware:
    """Passes every request on, and records its route as soon as Django has found it.

    Regular expressions are written as ``path`` would: ``^things/(?P<number>[0-9]+)/$`` is ``/things/<number>/``.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Serve one request."""
        return self._get_response(request)

    def process_view(self, request: Any, *_: Any) -> None:
        """Called by Django between finding the view and calling it."""
        try:
            _record_route(request)
        except Exception as error:
            raise_interruption(error)  # A request whose route is unknown is served nevertheless.


def _record_route(request: Any) -> None:
    match = request.resolver_match
    if match is None:
        return
    route = format_django_route(match.route)
    scope = getattr(request, "scope", None)
    if scope is not None and "app_root_path" in scope:
        route = find_starlette_route(scope, scope["path"], below=route) or route
    set_route(route)
