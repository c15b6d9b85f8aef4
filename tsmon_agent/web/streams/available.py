"""``GET /available/<reference designator>``: availability for programs."""

import csv
import io
import re
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import web

from tsmon.availability import EXACT, Availability, Report, spans, time_text, timeline, together
from tsmon.availability.measures import deployments_measure
from tsmon.errors import StateError, StoreError
from tsmon_agent.access import Role
from tsmon_agent.instruments import Instrument, instrument_of, reports_of
from tsmon_agent.web.access import needs
from tsmon_agent.web.answers import json_response, unless_known
from tsmon_agent.web.openapi import Answer, Parameter, documented
from tsmon_agent.web.streams.queries import FILTERS, RULES, TIMES, Query, only_known, query_of

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

__all__ = ["Available"]

COLUMNS: Final = (
    "reference_designator",
    "method",
    "stream",
    "start",
    "end",
    "category",
    "points",
    "mean_separation",
)

FORMAT: Final = Parameter("format", "Form of the answer.", {"type": "string", "enum": ["json", "csv"]})


class Available:
    """Answers what is present, sparse and missing of an instrument's streams."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent

    def routes(self) -> Iterable[web.RouteDef]:
        """The only one."""
        return (web.get("/available/{designator}", self._handle),)

    @needs(Role.SEE)
    @documented(
        "Availability of an instrument's streams",
        "streams",
        (200, Answer("Deployments, then each stream.", {"application/json": Availability, "text/csv": None})),
        parameters=(*FILTERS, *TIMES, *RULES, FORMAT),
        faults=(404, 503),
    )
    async def _handle(self, request: web.Request) -> web.Response:
        only_known(request, *FILTERS, *TIMES, *RULES, FORMAT)
        form = request.query.get("format", "json")
        if form not in ("json", "csv"):
            raise web.HTTPBadRequest(text="The parameter format is neither json nor csv.")
        instrument = await found_instrument(self._agent, request)
        query = query_of(request, instrument)
        now_ns = time.time_ns()
        try:
            reports = await reports_of(
                self._agent.store,
                query.instrument,
                now_ns=now_ns,
                start_ns=query.start_ns,
                end_ns=query.end_ns,
            )
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.") from error
        if form == "csv":
            return unless_known(request, _csv(query.instrument, reports))
        return unless_known(request, json_response(together_of(query.instrument, reports, query, now_ns)))


async def found_instrument(agent: "Agent", request: web.Request) -> Instrument:
    """The instrument that the address names; raises 404 where there is none."""
    try:
        instrument = await instrument_of(agent, request.match_info["designator"])
    except StateError as error:
        raise web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.") from error
    if instrument is None:
        raise web.HTTPNotFound(text="There is no instrument of this reference designator.")
    return instrument


def together_of(instrument: Instrument, reports: Sequence[Report], query: Query, now_ns: int) -> Availability:
    """Measures of an instrument, which may have no streams as yet."""
    if reports:
        return together(reports)
    found = timeline([], spans(instrument.deployments, EXACT, now_ns=now_ns), EXACT)
    start_ns, end_ns = found.window(query.start_ns, query.end_ns)
    return {"availability": [deployments_measure(found.spans, start_ns, end_ns)]}


def _csv(instrument: Instrument, reports: Iterable[Report]) -> web.Response:
    """A row for each interval; separations in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for stream, report in zip(instrument.streams, reports, strict=True):
        for one in report.intervals:
            separation = "" if one.separation_ns is None else f"{one.separation_ns / 1e9:.9g}"
            writer.writerow(
                (
                    plain(instrument.designator),
                    plain(stream.method),
                    plain(stream.name),
                    time_text(one.start_ns),
                    time_text(one.end_ns),
                    report.rules.appearances[one.category].name,
                    one.count,
                    separation,
                )
            )
    name = re.sub(r"[^\w.-]", "_", instrument.designator, flags=re.ASCII)
    return web.Response(
        body=text.getvalue().encode(),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
