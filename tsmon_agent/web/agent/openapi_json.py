"""``GET /openapi.json``."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.openapi.document import document_of
from tsmon_agent.web.openapi.operations import documented, json
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import unless_known

__all__ = ["Description"]


class Description:
    """Answers with the document of an application, which is made when it is first asked for."""

    def __init__(self, app: web.Application, base_path: str = "") -> None:
        self._app = app
        self._base = base_path

    def routes(self) -> Iterable[web.RouteDef]:
        """The only one."""
        return (web.get("/openapi.json", self._handle),)

    @needs(Role.SEE)
    @documented("This document", "agent", json(dict[str, Any]))
    async def _handle(self, request: web.Request) -> web.Response:
        return unless_known(request, web.Response(body=self._text, content_type="application/json"))

    @cached_property
    def _text(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(document_of(self._app, self._base)), indent=1)
