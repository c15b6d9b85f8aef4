"""``GET /available/<reference designator>``: availability for programs."""

import re
import time
from collections.abc import Iterable

from aiohttp import web

from tsmon.availability import AvailabilityJson
from tsmon_agent.auth import Role
from tsmon_agent.streams.availability.export import availability_to_json, format_availability_csv
from tsmon_agent.streams.availability.instrument import compute_reports
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import operation, returns
from tsmon_agent.web.requests.bodies import CSV, JSON
from tsmon_agent.web.requests.parameters import ParameterValues
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import csv_response, json_response, respond_if_changed
from tsmon_agent.web.streams.availability_rules import RULES
from tsmon_agent.web.streams.instrument_query import find_instrument
from tsmon_agent.web.streams.parameters import EXACT_TIMES, FILTERS, FORMAT, INSTRUMENT, TIMES

__all__ = ["AvailabilityApi"]


class AvailabilityApi(Handlers):
    """When data of an instrument's streams are present, sparse or missing."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The only address."""
        return (web.get("/available/{designator}", self._get),)

    @requires_role(Role.SEE)
    @operation(
        "Availability of an instrument's streams",
        "streams",
        returns(200, "Deployments, then each stream.", {JSON: AvailabilityJson, CSV: None}),
        parameters=(INSTRUMENT, *FILTERS, *TIMES, *RULES, FORMAT, EXACT_TIMES),
        faults=(404, 503),
    )
    async def _get(self, request: web.Request, values: ParameterValues) -> web.Response:
        query = await find_instrument(self._context, values)
        now_ns = time.time_ns()
        reports = await compute_reports(
            self._context.store, query.instrument, now_ns=now_ns, start_ns=query.start_ns, end_ns=query.end_ns
        )
        if values[FORMAT] == "csv":
            file_name = re.sub(r"[^\w.-]", "_", query.instrument.designator, flags=re.ASCII) + ".csv"
            return respond_if_changed(
                request, csv_response(format_availability_csv(query.instrument, reports), file_name=file_name)
            )
        found = availability_to_json(
            query.instrument,
            reports,
            start_ns=query.start_ns,
            end_ns=query.end_ns,
            now_ns=now_ns,
            whole_seconds=values[EXACT_TIMES] == "seconds",
        )
        return respond_if_changed(request, json_response(found))
