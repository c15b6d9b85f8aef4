"""The navigation of the pages: made of those whose handlers are declared to be in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web

from tsmon_agent.auth import Role
from tsmon_agent.web.requests.required_role import required_role

__all__ = ["NAVIGATION", "NavigationEntry", "build_navigation", "in_navigation", "navigation_title"]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_MARK: Final = "__tsmon_navigation__"


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page in the navigation: its title, its path, and the role that it requires."""

    title: str
    path: str
    role: Role | None

    def leads_to(self, path: str) -> bool:
        """Whether ``path`` is this page, or one below it."""
        return path == self.path or (not self.path.endswith("/") and path.startswith(f"{self.path}/"))


NAVIGATION: Final = web.AppKey("navigation", tuple[NavigationEntry, ...])


def in_navigation(title: str) -> Callable[[Handler], Handler]:
    """Declare that the page of a handler is in the navigation, under this title."""

    def mark(handler: Handler) -> Handler:
        setattr(handler, _MARK, title)
        return handler

    return mark


def navigation_title(handler: object) -> str | None:
    """The title that a handler is declared with; None if its page is not in the navigation."""
    return getattr(handler, _MARK, None)


def build_navigation(app: web.Application) -> tuple[NavigationEntry, ...]:
    """The entries of an application's routes, in the order of the routes."""
    return tuple(
        NavigationEntry(title, route.resource.canonical, required_role(route.handler))
        for route in app.router.routes()
        if route.resource is not None
        and route.method == hdrs.METH_GET
        and (title := navigation_title(route.handler))
    )
