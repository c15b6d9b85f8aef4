"""The page of the host, and the data of its charts."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.errors import StoreError
from tsmon_agent.auth import Role
from tsmon_agent.web.host.cards import cards_now
from tsmon_agent.web.host.chart_data import ChartData, ask_chart
from tsmon_agent.web.host.chart_ranges import DEFAULT_RANGE, RANGES, Range
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.thresholds import THRESHOLDS, State
from tsmon_agent.web.openapi import Parameter, documented, html, json
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.responses.templates import Templates

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["HostPage"]

RANGE: Final = Parameter("range", "Range of time that ends now.", {"type": "string", "enum": list(RANGES)})
CHART: Final = Parameter("chart", "Which chart.", {"type": "string", "enum": list(CHARTS)}, required=True)


class HostPage:
    """Handlers of the host's page and of what its charts ask for."""

    def __init__(self, context: "AgentContext", templates: Templates) -> None:
        self._context = context
        self._templates = templates

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and the values of its charts."""
        return (web.get("/", self._page), web.get("/api/host/series", self._series))

    @needs(Role.SEE)
    @documented("The host's page", "pages", html("The page."), parameters=(RANGE,))
    async def _page(self, request: web.Request) -> web.Response:
        chosen = _range(request)
        cards = await cards_now(self._context)
        judged = [figure.state for shown in cards for figure in shown.figures if figure.state != State.NONE]
        worst = next((s for s in (State.CRITICAL, State.HIGH, State.STALE, State.OK) if s in judged), None)
        samplers = {state.name for state in self._context.sampling.health}
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
    @documented(
        "Values of one chart of the host", "host", json(ChartData), parameters=(RANGE, CHART), faults=(503,)
    )
    async def _series(self, request: web.Request) -> web.Response:
        chosen = _range(request)
        chart = CHARTS.get(request.query.get("chart", ""))
        if chart is None:
            raise web.HTTPBadRequest(text=f"The parameter chart is none of {', '.join(CHARTS)}.")
        agent = self._context.settings.agent
        intervals = {state.name: state.interval_s for state in self._context.sampling.health}
        now_ns = time.time_ns()
        try:
            data = await ask_chart(
                self._context.store,
                chart,
                agent.host,
                chosen.resolution(intervals.get(chart.measurement, agent.interval)),
                start_ns=now_ns - chosen.length_ns,
                stop_ns=now_ns,
            )
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.") from error
        return json_response(data)


def _range(request: web.Request) -> Range:
    chosen = RANGES.get(request.query.get("range", DEFAULT_RANGE.name))
    if chosen is None:
        raise web.HTTPBadRequest(text=f"The parameter range is none of {', '.join(RANGES)}.")
    return chosen
