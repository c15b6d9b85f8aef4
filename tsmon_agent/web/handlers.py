"""What every page and every part of the HTTP interface is made of."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

from tsmon_agent.settings import WebSettings
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security import Cookies, Gate

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Handlers", "WebParts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What handlers use of the server."""

    context: "AgentContext"
    settings: WebSettings
    templates: Templates
    gate: Gate
    cookies: Cookies


class Handlers(ABC):
    """Handlers of addresses that belong together: a page with its data, or a part of the interface for programs.

    Each handler declares beside it the role that it requires, its operation, and, for a page, whether it is in the
    navigation. A class listed in :mod:`tsmon_agent.web.registry` is served.
    """

    live: ClassVar[LiveSource | None] = None
    """Live messages for the open pages."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._context = parts.context
        self._templates = parts.templates

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """The addresses, without the base path."""
