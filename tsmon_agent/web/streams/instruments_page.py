"""``GET /streams``: all instruments by site, each with the state of its worst stream."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from aiohttp import web

from tsmon.errors import StateError
from tsmon_agent.auth import Role
from tsmon_agent.streams.freshness import FreshnessStatus, worst_status
from tsmon_agent.streams.inventory import summarize_instruments
from tsmon_agent.web.openapi import Parameter, documented, html
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.streams.instrument_query import only_known
from tsmon_agent.web.streams.live_states import levels_of, name_of

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["InstrumentsPage"]

SEARCH: Final = Parameter("search", "Only instruments whose reference designator contains this.")
STATE: Final = Parameter(
    "state",
    "Only instruments in this state.",
    {"type": "string", "enum": ["", *(name_of(level) for level in FreshnessStatus)]},
)


class InstrumentsPage:
    """Shows which instruments there are, and which of them need somebody."""

    def __init__(self, context: "AgentContext", templates: Templates) -> None:
        self._context = context
        self._templates = templates

    def routes(self) -> Iterable[web.RouteDef]:
        """The only one."""
        return (web.get("/streams", self._handle),)

    @needs(Role.SEE)
    @documented("All instruments by state", "pages", html("The page."), parameters=(SEARCH, STATE), faults=(503,))
    async def _handle(self, request: web.Request) -> web.Response:
        only_known(request, SEARCH, STATE)
        search, state = request.query.get("search", ""), request.query.get("state", "")
        names = [name_of(level) for level in FreshnessStatus]
        if state and state not in names:
            raise web.HTTPBadRequest(text=f"The parameter state is none of {', '.join(names)}.")
        try:
            known = await self._context.state.run(summarize_instruments)
        except StateError as error:
            raise web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.") from error
        levels = levels_of(self._context)
        of_sites = self._context.freshness.watch.worst_by_site()
        base = f"{self._templates.base_path}/streams/"
        sites: dict[str, list[dict[str, Any]]] = {}
        for one in known:
            streams = levels.get(one.reference_designator, {})
            level = worst_status(streams.values())
            if search.lower() in one.reference_designator.lower() and state in ("", name_of(level)):
                sites.setdefault(one.reference_designator.partition("-")[0], []).append(
                    {
                        "name": one.reference_designator,
                        "address": base + quote(one.reference_designator, safe=""),
                        "state": name_of(level),
                        "streams": one.streams,
                        "level": level,
                    }
                )
        return self._templates.page(
            request,
            "instruments.html",
            sites=[
                (
                    site,
                    name_of(of_sites.get(site, FreshnessStatus.NOT_TRACKED)),
                    sorted(members, key=lambda one: -one["level"]),
                )
                for site, members in sites.items()
            ],
            search=search,
            chosen=state,
            names=names,
            any_known=bool(known),
        )
