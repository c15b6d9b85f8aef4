"""The template of the route that Starlette or FastAPI chose, through mounts, hosts and included routers.

Both put the innermost route into the scope. Of a mounted application they leave only the path under which it was
called, so the routes are then matched once more, from the outermost router.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

__all__ = ["find_router", "find_starlette_route"]

Scope = MutableMapping[str, Any]

ANYTHING: Final = "/{path}"
"""What stands for the rest of a path below a mount whose application has no routes, such as static files."""

TEMPORARY_REDIRECT: Final = 307
"""Status with which Starlette adds or removes the slash at the end of a path."""

MAX_WRAPPERS: Final = 32


def find_starlette_route(scope: Scope, path: str, status: int = 200, below: str | None = None) -> str | None:
    """Return a template such as ``/users/{id}``; None if no route matched.

    ``path`` is the one with which the request arrived, ``below`` the template that a mounted application of another
    framework chose. The path under which the whole application is served (``root_path``) is no part of a template.
    """
    if "app_root_path" not in scope:
        template = _find_innermost(scope)
        if template is not None:
            return template
    router = scope.get("router")
    if router is None:
        return None
    root = scope.get("app_root_path", scope.get("root_path", ""))
    outermost = {**scope, "path": path, "root_path": root, "fastapi": {}}
    below = below or _find_innermost(scope) or ANYTHING
    template = _match_routes(router, outermost, "", below)
    if template is None and status == TEMPORARY_REDIRECT:
        outermost["path"] = path.rstrip("/") if path.endswith("/") else f"{path}/"
        template = _match_routes(router, outermost, "", below)
    return template


def _find_innermost(scope: Scope) -> str | None:
    """Return the template of the route in the scope, with the prefixes of FastAPI's included routers."""
    context = scope.get("fastapi")
    if isinstance(context, Mapping):
        effective = context.get("effective_route_context")
        for route in (getattr(effective, "starlette_route", None), effective):
            template = getattr(route, "path_format", None)
            if isinstance(template, str) and template and not _is_mount(route):
                return template
    route = scope.get("route")
    template = getattr(route, "path_format", None)
    return template if isinstance(template, str) and not _is_mount(route) else None


def _is_mount(route: Any) -> bool:
    """Whether a route passes requests on to another application: a mount or a host."""
    return hasattr(route, "routes")


def _match_routes(router: Any, scope: Scope, prefix: str, below: str) -> str | None:
    """Return the template of the route of ``router`` that matches, through any number of mounts."""
    found = _match_first(router.routes, scope, prefix, below)
    return found if found is not None else _match_frontend(router, scope, prefix)


def _match_first(routes: Iterable[Any], scope: Scope, prefix: str, below: str) -> str | None:
    partial = None
    for route in routes:
        match, child = route.matches(scope)
        if match.name == "NONE":
            continue
        template = _template_of(route, {**scope, **child}, prefix, below)
        if match.name == "FULL":
            return template
        partial = partial or template
    return partial


def _template_of(route: Any, scope: Scope, prefix: str, below: str) -> str | None:
    """Return the template of a route that matches."""
    candidates = getattr(route, "effective_candidates", None)
    if candidates is not None:
        # FastAPI keeps an included router as one route.
        return _match_first(candidates(), scope, prefix, below)
    route = getattr(route, "starlette_route", None) or route
    if not _is_mount(route):
        return prefix + getattr(route, "path_format", "/*")
    prefix += getattr(route, "path", "")
    router = find_router(route.app)
    return prefix + below if router is None else _match_routes(router, scope, prefix, below)


def find_router(app: Any) -> Any:
    """Return the application with Starlette's routes in ``app``, which may be wrapped in middleware, or None."""
    for _ in range(MAX_WRAPPERS):
        routes = getattr(app, "routes", None)
        if isinstance(routes, list):
            return app if all(hasattr(one, "matches") for one in routes) else None
        app = getattr(app, "app", None)
    return None


def _match_frontend(router: Any, scope: Scope, prefix: str) -> str | None:
    """Return the template of the files that FastAPI serves where no route matches."""
    router = getattr(router, "router", router)
    match_low_priority = getattr(router, "_match_low_priority", None)
    if match_low_priority is None:
        return None
    match, child, *_ = match_low_priority(scope)
    file = child.get("fastapi", {}).get("frontend_path")
    if match.name == "NONE" or not isinstance(file, str):
        return None
    path: str = scope["path"].removeprefix(scope["root_path"])
    return prefix + path.removesuffix(file).rstrip("/") + ANYTHING
