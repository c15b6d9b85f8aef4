"""``GET /pipeline``: how points get from the samplers into the store."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.agent.pipeline_status import PipelineStatus, compute_pipeline_status
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.openapi import operation, returns_json, returns_page
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.responses.navigation import in_navigation

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["PipelinePage"]

PERIOD_S: Final = 1.0


async def _live_messages(context: "AgentContext", beat_s: float) -> AsyncIterator[bytes]:
    while True:
        yield msgspec.json.encode({"type": "pipeline", "pipeline": compute_pipeline_status(context)})
        await asyncio.sleep(min(PERIOD_S, beat_s))


class PipelinePage(Handlers):
    """The accounting of points, and how the samplers do."""

    live = LiveSource("pipeline", _live_messages)

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and the same as JSON."""
        return (web.get("/pipeline", self._get_page), web.get("/api/pipeline", self._get_json))

    @in_navigation("Pipeline")
    @requires_role(Role.SEE)
    @operation("The pipeline's page", "pages", returns_page())
    async def _get_page(self, request: web.Request) -> web.Response:
        return self._templates.render(request, "pipeline.html", pipeline=compute_pipeline_status(self._context))

    @requires_role(Role.SEE)
    @operation("The accounting of points, and the samplers", "agent", returns_json(PipelineStatus))
    async def _get_json(self, _: web.Request) -> web.Response:
        return json_response(compute_pipeline_status(self._context))
