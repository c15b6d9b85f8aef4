"""``GET /streams/<reference designator>``: the timeline of an instrument, drawn by the server."""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from tsmon.availability import Report, compute_spans, compute_timeline
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.errors import AvailabilityError
from tsmon.time_units import SECOND_NS
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
    choose_time_range,
)
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import Body, operation, returns, returns_page
from tsmon_agent.web.requests.forms import FORM, read_form
from tsmon_agent.web.requests.identity import IDENTITY
from tsmon_agent.web.requests.parameters import ParameterValues, choice
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.errors import as_sentence
from tsmon_agent.web.streams.availability_rules import RULES
from tsmon_agent.web.streams.instrument_query import find_instrument
from tsmon_agent.web.streams.parameters import FILTERS, INSTRUMENT, TIMES
from tsmon_agent.web.streams.status_snapshot import badge_of, statuses_by_instrument
from tsmon_agent.web.streams.switches import set_streams_enabled

__all__ = ["InstrumentPage"]

MOST_INTERVALS: Final = 500
"""Rows of the table of intervals; the CSV has all."""

RANGE: Final = choice("range", "Range that ends now.", {name: name for name in ("", *PRESETS, "all")}, "")

_KEPT_BY_SWITCHES: Final = (RANGE, *TIMES, *RULES)
"""Parameters that stay after a switch; filters do not, since a disabled stream would not pass them."""


class InstrumentPage(Handlers):
    """The deployments and streams of an instrument over a time range."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and its switches."""
        return (
            web.get("/streams/{designator}", self._get),
            web.post("/streams/{designator}/switch", self._switch),
        )

    @requires_role(Role.SEE)
    @operation(
        "The timeline of an instrument",
        "pages",
        returns_page(),
        parameters=(INSTRUMENT, RANGE, *TIMES, *FILTERS, *RULES),
        faults=(404, 503),
    )
    async def _get(self, request: web.Request, values: ParameterValues) -> web.Response:
        query = await find_instrument(self._context, values)
        instrument = query.instrument
        now_ns = time.time_ns()
        rules = self._context.settings.availability.rules()
        expected = compute_timeline([], compute_spans(instrument.deployments, rules, now_ns=now_ns), rules)
        first_ns = expected.resolve_range()[0] if instrument.deployments else None
        try:
            time_range = choose_time_range(
                query.start_ns, query.end_ns, values[RANGE], first_ns=first_ns, now_ns=now_ns
            )
        except AvailabilityError as error:
            raise web.HTTPBadRequest(text=as_sentence(error)) from None
        min_widths = choose_min_widths(instrument, time_range.start_ns, time_range.end_ns, now_ns)
        reports = await compute_reports(
            self._context.store,
            instrument,
            now_ns=now_ns,
            start_ns=time_range.start_ns,
            end_ns=time_range.end_ns,
            min_widths=min_widths,
        )
        statuses = statuses_by_instrument(self._context).get(instrument.designator, {})
        return self._templates.render(
            request,
            "instrument.html",
            **_build_links(values, self._templates.base_path, instrument, time_range),
            **_build_rows(instrument, reports, time_range),
            appearances=rules.appearances,
            styles=STYLES,
            switches=await self._read_switches(request, instrument.designator),
            deployments=build_deployment_pieces(expected.spans, time_range.start_ns, time_range.end_ns),
            deployment_color=DEPLOYMENT_COLOR,
            coarse=duration(min_widths.inside_ns / SECOND_NS) if min_widths.inside_ns else None,
            worst_badge=badge_of(worst_status(statuses.values())) if statuses else None,
            stream_badges=[
                badge_of(statuses[stream.title]) if stream.title in statuses else None
                for stream in instrument.streams
            ],
        )

    @requires_role(Role.OPERATE)
    @operation(
        "Enable or disable a stream, from its page",
        "pages",
        returns(303, "Done; back to the page, which shows the same time by the same rules."),
        parameters=(INSTRUMENT, *_KEPT_BY_SWITCHES),
        body=Body({FORM: dict[str, str]}),
        faults=(404, 415, 422, 503),
    )
    async def _switch(self, request: web.Request, values: ParameterValues) -> web.Response:
        form = await read_form(request)
        if form.get("enabled") not in ("true", "false") or not form.get("method") or not form.get("stream"):
            raise web.HTTPUnprocessableEntity(
                text="The form is incomplete; it needs method, stream, and enabled (true or false)."
            )
        names = (values[INSTRUMENT], form["method"], form["stream"])
        await set_streams_enabled(self._context, request, *names, enabled=form["enabled"] == "true")
        query = urlencode(values.texts(*_KEPT_BY_SWITCHES))
        page = f"{self._templates.base_path}/streams/{quote(names[0], safe='')}"
        return web.Response(status=303, headers={"Location": f"{page}{query and f'?{query}'}#switches"})

    async def _read_switches(self, request: web.Request, designator: str) -> Sequence[ExpectedStream]:
        """All streams of the instrument, for those who may switch them on this page."""
        identity = request[IDENTITY]
        if not (identity.csrf and identity.may(Role.OPERATE)):
            return ()
        return await self._context.state.run(lambda session: find_streams(session, designator))


def _build_links(
    values: ParameterValues, base: str, instrument: Instrument, time_range: TimeRange
) -> dict[str, Any]:
    """What the page shows, and the addresses of other ranges, single streams and the data."""
    designator = quote(instrument.designator, safe="")
    kept = values.texts(*FILTERS, *RULES)
    rules = values.texts(*RULES)
    query = time_range.to_query() if not time_range.preset else f"range={time_range.preset}"
    return {
        "instrument": instrument,
        "address": f"{base}/streams/{designator}",
        "kept": urlencode(kept) + "&" if kept else "",
        "kept_fields": kept,
        "switch_query": f"{urlencode(rules)}&{query}" if rules else query,
        "time_range": time_range,
        "steps": time_range.steps(),
        "presets": PRESETS,
        "wide_ticks": build_ticks(time_range.start_ns, time_range.end_ns, 11),
        "narrow_ticks": build_ticks(time_range.start_ns, time_range.end_ns, 4),
        "data_address": f"{base}/available/{designator}?{urlencode(kept)}{'&' if kept else ''}"
        + time_range.to_query(),
        "links": [
            f"{base}/streams/{designator}?{urlencode({'method': stream.method, 'stream': stream.name})}&{query}"
            for stream in instrument.streams
        ],
        "nothing": "No stream of this instrument is expected.",
    }


def _build_rows(instrument: Instrument, reports: Sequence[Report], time_range: TimeRange) -> dict[str, Any]:
    intervals = list(islice(build_interval_rows(reports), MOST_INTERVALS + 1))
    return {
        "rows": build_timeline_rows(instrument, reports, time_range.start_ns, time_range.end_ns),
        "intervals": intervals[:MOST_INTERVALS],
        "more_intervals": len(intervals) > MOST_INTERVALS,
    }
