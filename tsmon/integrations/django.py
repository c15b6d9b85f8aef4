"""Django: passes the template of the route to the middleware around the application (ASGI or WSGI).

In ``settings.py``::

    MIDDLEWARE = ["tsmon.integrations.django.RouteMiddleware", …]

and around the application, in ``asgi.py`` or ``wsgi.py``, :mod:`tsmon.integrations.asgi`'s or
:mod:`tsmon.integrations.wsgi`'s ``RequestMiddleware``.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from tsmon.integrations.recorder import set_route

__all__ = ["RouteMiddleware"]


class RouteMiddleware:
    """Passes every request on, and records its route as soon as Django has found it."""

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
        match = request.resolver_match
        if match is not None:
            set_route(f"/{match.route}")
