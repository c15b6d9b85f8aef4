"""The addresses that the agent answers."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.errors import StoreError
from tsmon_agent.access import Role
from tsmon_agent.web.access import WHO, for_everyone, needs
from tsmon_agent.web.answers import json_response
from tsmon_agent.web.chart_data import ChartData, ask_chart
from tsmon_agent.web.charts import CHARTS
from tsmon_agent.web.glance import cards_now
from tsmon_agent.web.openapi import Parameter, documented, html, json, text
from tsmon_agent.web.pipeline import PipelineState, Readiness, pipeline_state, readiness
from tsmon_agent.web.ranges import DEFAULT_RANGE, RANGES, Range
from tsmon_agent.web.static_files import StaticFiles
from tsmon_agent.web.templates import Templates
from tsmon_agent.web.thresholds import THRESHOLDS, State

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

__all__ = ["Pages"]

RANGE: Final = Parameter("range", "Range of time that ends now.", {"type": "string", "enum": list(RANGES)})
CHART: Final = Parameter("chart", "Which chart.", {"type": "string", "enum": list(CHARTS)}, required=True)


class Pages:
    """Handlers of pages, of their data, and of those who watch over the agent."""

    def __init__(self, agent: "Agent", templates: Templates, static: StaticFiles) -> None:
        self._agent = agent
        self._templates = templates
        self._static = static

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them but the WebSocket."""
        return (
            web.get("/", self._host),
            web.get("/pipeline", self._pipeline),
            web.get("/api/host/series", self._series),
            web.get("/api/pipeline", self._pipeline_json),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/favicon.svg", self._favicon),
            web.get("/favicon.ico", self._favicon),
            web.get("/static/{version}/{name:.+}", self._static.handle),
        )

    @needs(Role.SEE)
    @documented("The host's page", "pages", html("The page."), parameters=(RANGE,))
    async def _host(self, request: web.Request) -> web.Response:
        chosen = _range(request)
        cards = await cards_now(self._agent)
        judged = [figure.state for shown in cards for figure in shown.figures if figure.state != State.NONE]
        worst = next((s for s in (State.CRITICAL, State.HIGH, State.STALE, State.OK) if s in judged), None)
        samplers = {state.name for state in self._agent.sampling.states}
        return self._templates.page(
            request,
            "host.html",
            cards=cards,
            worst=worst,
            charts=[chart for chart in CHARTS.values() if chart.measurement in samplers],
            ranges=RANGES.values(),
            chosen=chosen,
            thresholds=THRESHOLDS.values(),
        )

    @needs(Role.SEE)
    @documented("The pipeline's page", "pages", html("The page."))
    async def _pipeline(self, request: web.Request) -> web.Response:
        return self._templates.page(request, "pipeline.html", pipeline=pipeline_state(self._agent))

    @needs(Role.SEE)
    @documented(
        "Values of one chart of the host", "host", json(ChartData), parameters=(RANGE, CHART), faults=(503,)
    )
    async def _series(self, request: web.Request) -> web.Response:
        chosen = _range(request)
        chart = CHARTS.get(request.query.get("chart", ""))
        if chart is None:
            raise web.HTTPBadRequest(text=f"The parameter chart is none of {', '.join(CHARTS)}.")
        agent = self._agent.settings.agent
        intervals = {state.name: state.interval_s for state in self._agent.sampling.states}
        now_ns = time.time_ns()
        try:
            data = await ask_chart(
                self._agent.store,
                chart,
                agent.host,
                chosen.resolution(intervals.get(chart.measurement, agent.interval)),
                start_ns=now_ns - chosen.length_ns,
                stop_ns=now_ns,
            )
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.") from error
        return json_response(data)

    @needs(Role.SEE)
    @documented("The way of points, and the samplers", "agent", json(PipelineState))
    async def _pipeline_json(self, _: web.Request) -> web.Response:
        return json_response(pipeline_state(self._agent))

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
        found = readiness(self._agent)
        if not request[WHO].may(Role.SEE):
            found = Readiness(found.ready, [])
        return json_response(found, status=200 if found.ready else 503)

    @for_everyone
    @documented("The pages' icon", "pages", text("The icon.", "image/svg+xml"))
    async def _favicon(self, request: web.Request) -> web.Response:
        return self._static.response(request, "favicon.svg")


def _range(request: web.Request) -> Range:
    chosen = RANGES.get(request.query.get("range", DEFAULT_RANGE.name))
    if chosen is None:
        raise web.HTTPBadRequest(text=f"The parameter range is none of {', '.join(RANGES)}.")
    return chosen
