"""The addresses that the agent answers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.agent.pipeline_state import PipelineState, Readiness, pipeline_state, readiness
from tsmon_agent.web.openapi import documented, html, json, text
from tsmon_agent.web.requests.identity import WHO
from tsmon_agent.web.requests.required_role import for_everyone, needs
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.responses.static_files import StaticFiles
from tsmon_agent.web.responses.templates import Templates

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Pages"]


class Pages:
    """Handlers of pages, of their data, and of those who watch over the agent."""

    def __init__(self, context: "AgentContext", templates: Templates, static: StaticFiles) -> None:
        self._context = context
        self._templates = templates
        self._static = static

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them but the WebSocket."""
        return (
            web.get("/pipeline", self._pipeline),
            web.get("/api/pipeline", self._pipeline_json),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/favicon.svg", self._favicon),
            web.get("/favicon.ico", self._favicon),
            web.get("/static/{version}/{name:.+}", self._static.handle),
        )

    @needs(Role.SEE)
    @documented("The pipeline's page", "pages", html("The page."))
    async def _pipeline(self, request: web.Request) -> web.Response:
        return self._templates.page(request, "pipeline.html", pipeline=pipeline_state(self._context))

    @needs(Role.SEE)
    @documented("The way of points, and the samplers", "agent", json(PipelineState))
    async def _pipeline_json(self, _: web.Request) -> web.Response:
        return json_response(pipeline_state(self._context))

    @for_everyone
    @documented("Whether the process works", "agent", text("It does."))
    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    @for_everyone
    @documented(
        "Whether points are stored",
        "agent",
        json(Readiness, "They are."),
        json(Readiness, "They are not, and why.", status=503),
    )
    async def _readyz(self, request: web.Request) -> web.Response:
        found = readiness(self._context)
        if not request[WHO].may(Role.SEE):
            found = Readiness(found.ready, [])
        return json_response(found, status=200 if found.ready else 503)

    @for_everyone
    @documented("The pages' icon", "pages", text("The icon.", "image/svg+xml"))
    async def _favicon(self, request: web.Request) -> web.Response:
        return self._static.response(request, "favicon.svg")
