"""``/healthz`` and ``/readyz``: for programs that monitor the agent."""

from collections.abc import Iterable

from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.agent.pipeline_status import Readiness, compute_readiness
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import operation, returns_json, returns_text
from tsmon_agent.web.requests.identity import IDENTITY
from tsmon_agent.web.requests.required_role import for_everyone
from tsmon_agent.web.responses.data import json_response

__all__ = ["HealthApi"]


class HealthApi(Handlers):
    """Whether the process works, and whether points reach the store."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Both addresses."""
        return (web.get("/healthz", self._get_health), web.get("/readyz", self._get_readiness))

    @for_everyone
    @operation("Whether the process works", "agent", returns_text("It works."))
    async def _get_health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    @for_everyone
    @operation(
        "Whether points reach the store",
        "agent",
        returns_json(Readiness, "They do."),
        returns_json(Readiness, "They do not, with the reasons for those who may see.", status=503),
    )
    async def _get_readiness(self, request: web.Request) -> web.Response:
        found = compute_readiness(self._context)
        if not request[IDENTITY].may(Role.SEE):
            found = Readiness(found.ready, [])
        return json_response(found, status=200 if found.ready else 503)
