"""The template of the route that an ASGI framework chose, found in the scope."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

__all__ = ["find_route"]


def find_route(scope: MutableMapping[str, Any], root: str) -> str | None:
    """Return a template such as ``/users/{id}``; None if no route matched or the framework does not record it.

    ``root`` is the ``root_path`` with which the request arrived. Starlette and FastAPI (from 0.137 with the
    prefixes of included routers) put the route into the scope. For a mounted application they leave only a
    different root path; the routes are then matched once more.
    """
    if scope.get("root_path", "") != root:
        routes = getattr(scope.get("router"), "routes", ())
        return _match_routes(routes, {**scope, "root_path": root}, "")
    context = scope.get("fastapi")
    if isinstance(context, Mapping):
        effective = getattr(context.get("effective_route_context"), "path_format", None)
        if isinstance(effective, str):
            return effective
    template = getattr(scope.get("route"), "path_format", None)
    return template if isinstance(template, str) else None


def _match_routes(routes: Iterable[Any], scope: MutableMapping[str, Any], prefix: str) -> str | None:
    """Return the template of the route that matches, through any number of mounts."""
    partial = None
    for route in routes:
        match, child = route.matches(scope)
        if match.name == "NONE":
            continue
        below = getattr(route, "routes", None)
        if below is not None:
            return _match_routes(below, {**scope, **child}, prefix + getattr(route, "path", ""))
        template = prefix + getattr(route, "path_format", "/*")
        if match.name == "FULL":
            return template
        partial = partial or template
    return partial
