"""``GET /streams``: all instruments by site, each with the status of its worst stream."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from tsmon_agent.auth import Role
from tsmon_agent.streams.freshness import FreshnessStatus, worst_status
from tsmon_agent.streams.inventory import summarize_instruments
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.live.source import LiveSource
from tsmon_agent.web.openapi import operation, returns_page
from tsmon_agent.web.requests.parameters import ParameterValues, choice, text
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.navigation import in_navigation
from tsmon_agent.web.streams.status_snapshot import (
    badge_of,
    missed_statuses,
    status_messages,
    statuses_by_instrument,
)

__all__ = ["InstrumentsPage"]

SEARCH: Final = text("search", "Only instruments whose reference designator contains this.")
STATUS: Final = choice(
    "state",
    "Only instruments of this status.",
    {"": None, **{badge_of(status): status for status in FreshnessStatus}},
    None,
)


class InstrumentsPage(Handlers):
    """Which instruments there are, and which of them need attention."""

    live = LiveSource("streams", status_messages, missed_statuses)

    def routes(self) -> Iterable[web.RouteDef]:
        """The only address."""
        return (web.get("/streams", self._get),)

    @in_navigation("Streams")
    @requires_role(Role.SEE)
    @operation("All instruments by site", "pages", returns_page(), parameters=(SEARCH, STATUS), faults=(503,))
    async def _get(self, request: web.Request, values: ParameterValues) -> web.Response:
        search, wanted = values[SEARCH], values[STATUS]
        known = await self._context.state.run(summarize_instruments)
        statuses = statuses_by_instrument(self._context)
        of_sites = self._context.freshness.watch.worst_by_site()
        base = f"{self._templates.base_path}/streams/"
        sites: dict[str, list[dict[str, Any]]] = {}
        for one in known:
            status = worst_status(statuses.get(one.reference_designator, {}).values())
            if search.lower() in one.reference_designator.lower() and wanted in (None, status):
                sites.setdefault(one.reference_designator.partition("-")[0], []).append(
                    {
                        "name": one.reference_designator,
                        "address": base + quote(one.reference_designator, safe=""),
                        "badge": badge_of(status),
                        "streams": one.streams,
                        "status": status,
                    }
                )
        return self._templates.render(
            request,
            "instruments.html",
            sites=[
                (
                    site,
                    badge_of(of_sites.get(site, FreshnessStatus.NOT_TRACKED)),
                    sorted(members, key=lambda one: -one["status"]),
                )
                for site, members in sites.items()
            ],
            search=search,
            chosen="" if wanted is None else badge_of(wanted),
            names=[badge_of(status) for status in FreshnessStatus],
            any_known=bool(known),
        )
