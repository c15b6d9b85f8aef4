"""``GET /available/<reference designator>``: availability for programs."""

import re
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from tsmon.availability import AvailabilityJson, Report
from tsmon.errors import StateError, StoreError
from tsmon_agent.auth import Role
from tsmon_agent.streams.availability.export import build_availability, format_availability_csv
from tsmon_agent.streams.availability.instrument import Instrument, compute_reports, load_instrument
from tsmon_agent.web.openapi import Answer, documented
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import json_response, unless_known
from tsmon_agent.web.streams.edits import FORMAT, in_csv
from tsmon_agent.web.streams.instrument_query import FILTERS, RULES, TIMES, only_known, query_of

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Available"]


class Available:
    """Answers what is present, sparse and missing of an instrument's streams."""

    def __init__(self, context: "AgentContext") -> None:
        self._context = context

    def routes(self) -> Iterable[web.RouteDef]:
        """The only one."""
        return (web.get("/available/{designator}", self._handle),)

    @needs(Role.SEE)
    @documented(
        "Availability of an instrument's streams",
        "streams",
        (200, Answer("Deployments, then each stream.", {"application/json": AvailabilityJson, "text/csv": None})),
        parameters=(*FILTERS, *TIMES, *RULES, FORMAT),
        faults=(404, 503),
    )
    async def _handle(self, request: web.Request) -> web.Response:
        only_known(request, *FILTERS, *TIMES, *RULES, FORMAT)
        as_csv = in_csv(request)
        instrument = await found_instrument(self._context, request)
        query = query_of(request, instrument)
        now_ns = time.time_ns()
        try:
            reports = await compute_reports(
                self._context.store,
                query.instrument,
                now_ns=now_ns,
                start_ns=query.start_ns,
                end_ns=query.end_ns,
            )
        except StoreError as error:
            raise web.HTTPServiceUnavailable(text=f"The store does not answer: {error}.") from error
        if as_csv:
            return unless_known(request, _csv(query.instrument, reports))
        found = build_availability(
            query.instrument, reports, start_ns=query.start_ns, end_ns=query.end_ns, now_ns=now_ns
        )
        return unless_known(request, json_response(found))


async def found_instrument(context: "AgentContext", request: web.Request) -> Instrument:
    """The instrument that the address names; raises 404 where there is none."""
    try:
        instrument = await load_instrument(
            context.state, context.settings.availability, request.match_info["designator"]
        )
    except StateError as error:
        raise web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.") from error
    if instrument is None:
        raise web.HTTPNotFound(text="There is no instrument of this reference designator.")
    return instrument


def _csv(instrument: Instrument, reports: Sequence[Report]) -> web.Response:
    name = re.sub(r"[^\w.-]", "_", instrument.designator, flags=re.ASCII)
    return web.Response(
        body=format_availability_csv(instrument, reports).encode(),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
