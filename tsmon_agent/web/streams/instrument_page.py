"""``GET /streams/<reference designator>``: the timeline of an instrument, drawn by the server."""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from tsmon.availability import Report, compute_spans, compute_timeline
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.errors import AvailabilityError, StoreError
from tsmon_agent.auth import Role
from tsmon_agent.formatting import duration
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.availability.instrument import Instrument, choose_min_widths, compute_reports
from tsmon_agent.streams.freshness import worst_status
from tsmon_agent.streams.inventory import find_streams
from tsmon_agent.streams.timelines import (
    PRESETS,
    STYLES,
    TimeRange,
    build_deployment_pieces,
    build_interval_rows,
    build_ticks,
    build_timeline_rows,
    parse_time_range,
)
from tsmon_agent.web.openapi import Answer, Body, Parameter, documented, html
from tsmon_agent.web.requests.forms import FORM, form_of
from tsmon_agent.web.requests.identity import WHO
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security import asked
from tsmon_agent.web.streams.availability import found_instrument
from tsmon_agent.web.streams.edits import switched
from tsmon_agent.web.streams.instrument_query import FILTERS, RULES, TIMES, only_known, query_of
from tsmon_agent.web.streams.live_states import levels_of, name_of

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["InstrumentPage"]

MOST_INTERVALS: Final = 500
"""Rows of the table of intervals; the CSV has all."""

RANGE: Final = Parameter("range", "Range that ends now.", {"type": "string", "enum": [*PRESETS, "all"]})

_KEPT: Final = tuple(parameter.name for parameter in (*FILTERS, *RULES))

_SHOWN: Final = (RANGE, *TIMES, *RULES)
"""What stays after a switch; filters do not, since what is switched off is not found by them."""


class InstrumentPage:
    """Draws the deployments and streams of an instrument over a range of time."""

    def __init__(self, context: "AgentContext", templates: Templates) -> None:
        self._context = context
        self._templates = templates

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and its switches."""
        return (
            web.get("/streams/{designator}", self._handle),
            web.post("/streams/{designator}/switch", self._switch),
        )

    @needs(Role.SEE)
    @documented(
        "The timeline of an instrument",
        "pages",
        html("The page."),
        parameters=(RANGE, *TIMES, *FILTERS, *RULES),
        faults=(404, 503),
    )
    async def _handle(self, request: web.Request) -> web.Response:
        only_known(request, RANGE, *TIMES, *FILTERS, *RULES)
        instrument = query_of(request, await found_instrument(self._context, request)).instrument
        now_ns = time.time_ns()
        rules = self._context.settings.availability.rules()
        found = compute_timeline([], compute_spans(instrument.deployments, rules, now_ns=now_ns), rules)
        first_ns = found.resolve_range()[0] if instrument.deployments else None
        try:
            shown = parse_time_range(request.query, first_ns=first_ns, now_ns=now_ns)
        except AvailabilityError as error:
            raise web.HTTPBadRequest(text=f"{error}.") from None
        min_widths = choose_min_widths(instrument, shown.start_ns, shown.end_ns, now_ns)
        try:
            reports = await compute_reports(
                self._context.store,
                instrument,
                now_ns=now_ns,
                start_ns=shown.start_ns,
                end_ns=shown.end_ns,
                min_widths=min_widths,
            )
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.") from error
        levels = levels_of(self._context).get(instrument.designator, {})
        return self._templates.page(
            request,
            "instrument.html",
            **_choice(request, self._templates.base_path, instrument, shown),
            **_drawn(instrument, reports, shown),
            appearances=rules.appearances,
            styles=STYLES,
            switches=await self._switches(request),
            deployments=build_deployment_pieces(found.spans, shown.start_ns, shown.end_ns),
            deployment_color=DEPLOYMENT_COLOR,
            coarse=duration(min_widths.inside_ns / 1e9) if min_widths.inside_ns else None,
            state=name_of(worst_status(levels.values())) if levels else None,
            stream_states=[
                name_of(levels[stream.title]) if stream.title in levels else None for stream in instrument.streams
            ],
        )

    @needs(Role.OPERATE)
    @documented(
        "Switch a stream on or off, from its page",
        "pages",
        (303, Answer("Done; back to the page, which shows the same time by the same rules.")),
        parameters=_SHOWN,
        body=Body({FORM: dict[str, str]}),
        faults=(404, 415, 422, 503),
    )
    async def _switch(self, request: web.Request) -> web.Response:
        only_known(request, *_SHOWN)
        form = await form_of(request)
        if form.get("enabled") not in ("true", "false") or not form.get("method") or not form.get("stream"):
            raise web.HTTPUnprocessableEntity(text="The form names no stream, or not what is to be done with it.")
        names = (request.match_info["designator"], form["method"], form["stream"])
        await switched(self._context, request, *names, enabled=form["enabled"] == "true")
        shown = urlencode([(one.name, request.query[one.name]) for one in _SHOWN if one.name in request.query])
        place = f"{self._templates.base_path}/streams/{quote(names[0], safe='')}{shown and f'?{shown}'}#switches"
        return web.Response(status=303, headers={"Location": place})

    async def _switches(self, request: web.Request) -> Sequence[ExpectedStream]:
        """All streams of the instrument, for who may switch them by this page."""
        if not (request[WHO].csrf and request[WHO].may(Role.OPERATE)):
            return ()
        return await asked(self._context, lambda session: find_streams(session, request.match_info["designator"]))


def _choice(request: web.Request, base: str, instrument: Instrument, shown: TimeRange) -> dict[str, Any]:
    """What is shown, and the addresses of what else may be."""
    designator = quote(instrument.designator, safe="")
    kept = [(name, request.query[name]) for name in _KEPT if request.query.get(name)]
    rules = [(one.name, request.query[one.name]) for one in RULES if request.query.get(one.name)]
    query = shown.to_query() if not shown.preset else f"range={shown.preset}"
    return {
        "instrument": instrument,
        "address": f"{base}/streams/{designator}",
        "kept": urlencode(kept) + "&" if kept else "",
        "kept_fields": kept,
        "switch_query": f"{urlencode(rules)}&{query}" if rules else query,
        "shown": shown,
        "steps": shown.steps(),
        "presets": PRESETS,
        "wide_ticks": build_ticks(shown.start_ns, shown.end_ns, 11),
        "narrow_ticks": build_ticks(shown.start_ns, shown.end_ns, 4),
        "data_address": f"{base}/available/{designator}?{urlencode(kept)}{'&' if kept else ''}{shown.to_query()}",
        "links": [
            f"{base}/streams/{designator}?{urlencode({'method': stream.method, 'stream': stream.name})}&{query}"
            for stream in instrument.streams
        ],
        "nothing": "No stream of this instrument is expected.",
    }


def _drawn(instrument: Instrument, reports: Sequence[Report], shown: TimeRange) -> dict[str, Any]:
    intervals = list(islice(build_interval_rows(reports), MOST_INTERVALS + 1))
    return {
        "rows": build_timeline_rows(instrument, reports, shown.start_ns, shown.end_ns),
        "intervals": intervals[:MOST_INTERVALS],
        "more_intervals": len(intervals) > MOST_INTERVALS,
    }
