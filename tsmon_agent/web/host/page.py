"""``GET /``: the page of the host, and the data of its charts."""

import time
from collections.abc import Iterable
from typing import Final

from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.host.cards import current_cards
from tsmon_agent.web.host.chart_data import ChartData, query_chart
from tsmon_agent.web.host.chart_ranges import DEFAULT_RANGE, RANGES
from tsmon_agent.web.host.charts import CHARTS
from tsmon_agent.web.host.live_messages import host_messages
from tsmon_agent.web.host.thresholds import THRESHOLDS, worst
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.openapi import operation, returns_json, returns_page
from tsmon_agent.web.requests.parameters import ParameterValues, choice
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.responses.navigation import in_navigation

__all__ = ["HostPage"]

RANGE: Final = choice("range", "Time range, which ends now.", RANGES, DEFAULT_RANGE)
CHART: Final = choice("chart", "Name of the chart.", CHARTS, CHARTS["cpu"], required=True)


class HostPage(Handlers):
    """Figures and charts of this host."""

    live = LiveSource("host", host_messages)

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and the values of its charts."""
        return (web.get("/", self._get_page), web.get("/api/host/series", self._get_series))

    @in_navigation("Host")
    @requires_role(Role.SEE)
    @operation("The host's page", "pages", returns_page(), parameters=(RANGE,))
    async def _get_page(self, request: web.Request, values: ParameterValues) -> web.Response:
        cards = await current_cards(self._context)
        samplers = {sampler.name for sampler in self._context.sampling.health}
        return self._templates.render(
            request,
            "host.html",
            cards=cards,
            worst=worst(figure.severity for card in cards for figure in card.figures),
            charts=[chart for chart in CHARTS.values() if chart.measurement in samplers],
            ranges=RANGES.values(),
            chosen=values[RANGE],
            thresholds=THRESHOLDS.values(),
        )

    @requires_role(Role.SEE)
    @operation(
        "Values of one chart of the host",
        "host",
        returns_json(ChartData),
        parameters=(RANGE, CHART),
        faults=(503,),
    )
    async def _get_series(self, _: web.Request, values: ParameterValues) -> web.Response:
        chart, chosen = values[CHART], values[RANGE]
        agent = self._context.settings.agent
        intervals = {sampler.name: sampler.interval_s for sampler in self._context.sampling.health}
        now_ns = time.time_ns()
        data = await query_chart(
            self._context.store,
            chart,
            agent.host,
            chosen.resolution(intervals.get(chart.measurement, agent.interval)),
            start_ns=now_ns - chosen.length_ns,
            stop_ns=now_ns,
        )
        return json_response(data)
