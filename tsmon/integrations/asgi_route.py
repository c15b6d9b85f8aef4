"""The template of the route that an ASGI framework chose, found in the scope."""

from collections.abc import MutableMapping
from typing import Any

from tsmon.integrations.starlette_route import find_starlette_route

__all__ = ["find_route"]

Scope = MutableMapping[str, Any]


def find_route(scope: Scope, path: str, status: int = 200, router: Any = None) -> str | None:
    """Return a template such as ``/users/{id}``; None if no route matched or the framework does not record it.

    ``path`` is the path with which the request arrived, ``router`` has Starlette's routes if the scope does not say
    what has. Starlette, FastAPI and Litestar record their routes in the scope, also one mounted in another.
    """
    handler = scope.get("route_handler")
    if handler is None:
        if "router" in scope:
            return find_starlette_route(scope, path, status)
        # A middleware that copies the scope keeps the route from those around it.
        return None if router is None else find_starlette_route({**scope, "router": router}, path, status)
    if getattr(handler, "is_mount", False):
        return _find_below_litestar(scope, handler, status)
    template = scope.get("path_template")
    if not isinstance(template, str):
        return None
    return find_starlette_route(scope, path, below=template) if "app_root_path" in scope else template


def _find_below_litestar(scope: Scope, handler: Any, status: int) -> str | None:
    """Return the template of an application that Litestar mounts; Litestar has cut the path of the mount off."""
    app = scope.get("litestar_app") or scope.get("app")
    routes = getattr(app, "routes", ())
    mount = next((one.path for one in routes if getattr(one, "route_handler", None) is handler), None)
    if mount is None:
        return None
    below = find_starlette_route(scope, scope["path"], status) if "router" in scope else "/{path}"
    return None if below is None else str(mount).rstrip("/") + below
