"""``GET /openapi.json``."""

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.handlers import Handlers, WebParts
from tsmon_agent.web.openapi import build_document, operation, returns_json
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import respond_if_changed

__all__ = ["DocumentApi"]


class DocumentApi(Handlers):
    """The OpenAPI document of the application, built at the first request."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._document: bytes | None = None

    def routes(self) -> Iterable[web.RouteDef]:
        """The document's address."""
        return (web.get("/openapi.json", self._get),)

    @requires_role(Role.SEE)
    @operation("This document", "agent", returns_json(dict[str, Any]))
    async def _get(self, request: web.Request) -> web.Response:
        if self._document is None:
            document = build_document(request.app, self._parts.settings.base_path)
            self._document = msgspec.json.format(msgspec.json.encode(document), indent=1)
        return respond_if_changed(request, web.Response(body=self._document, content_type="application/json"))
