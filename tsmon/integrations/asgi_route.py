"""The template of the route that an ASGI framework has chosen, from what it leaves in the scope."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

__all__ = ["route_in"]


def route_in(scope: MutableMapping[str, Any], root: str) -> str | None:
    """Template such as ``/users/{id}``; None where no route matched, or the framework does not tell.

    ``root`` is the ``root_path`` with which the request came. Starlette and FastAPI (0.137 and newer: with the
    prefixes of included routers) put the route into the scope; of a mounted application they leave nothing but
    another root path, and the routes are gone through once more.
    """
    if scope.get("root_path", "") != root:
        routes = getattr(scope.get("router"), "routes", ())
        return _matching(routes, {**scope, "root_path": root}, "")
    context = scope.get("fastapi")
    if isinstance(context, Mapping):
        effective = getattr(context.get("effective_route_context"), "path_format", None)
        if isinstance(effective, str):
            return effective
    template = getattr(scope.get("route"), "path_format", None)
    return template if isinstance(template, str) else None


def _matching(routes: Iterable[Any], scope: MutableMapping[str, Any], prefix: str) -> str | None:
    """Template of the route that matches, through any number of mounts."""
    partial = None
    for route in routes:
        match, child = route.matches(scope)
        if match.name == "NONE":
            continue
        below = getattr(route, "routes", None)
        if below is not None:
            return _matching(below, {**scope, **child}, prefix + getattr(route, "path", ""))
        template = prefix + getattr(route, "path_format", "/*")
        if match.name == "FULL":
            return template
        partial = partial or template
    return partial
