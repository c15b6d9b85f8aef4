"""``/audit`` and ``/api/audit``: who changed what, for administrators."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role, audit_entry_to_json, query_audit
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import operation, returns_json, returns_page
from tsmon_agent.web.requests.parameters import ParameterValues, integer, text
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import json_response
from tsmon_agent.web.responses.navigation import in_navigation

__all__ = ["AuditPage"]

MOST_ENTRIES: Final = 100

BEFORE: Final = integer("before", "Only entries before this number.", None, least=1, most=2**31 - 1)
WHO: Final = text("who", "Only entries of this token or user.")
TARGET: Final = text("target", "Only changes of this.")


class AuditEntryJson(msgspec.Struct, frozen=True):
    """A change or an attempt at one; ``outcome`` is ``done`` or ``refused``, ``time`` ISO 8601 in UTC."""

    number: int
    time: str
    who: str
    address: str | None
    action: str
    target: str | None
    outcome: str
    detail: dict[str, Any] | None


class AuditList(msgspec.Struct, frozen=True):
    """Entries, newest first; ``before`` is the parameter that gets the next ones, null at the end."""

    entries: list[AuditEntryJson]
    before: int | None


class AuditPage(Handlers):
    """The audit, a number of entries at a time."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The page, and the same as JSON."""
        return (web.get("/audit", self._get_page), web.get("/api/audit", self._get_json))

    @in_navigation("Audit")
    @requires_role(Role.ADMINISTER)
    @operation("Who changed what", "pages", returns_page(), parameters=(BEFORE, WHO, TARGET), faults=(503,))
    async def _get_page(self, request: web.Request, values: ParameterValues) -> web.Response:
        found, before = await self._read(values)
        filters = dict(values.texts(WHO, TARGET))
        return self._templates.render(
            request,
            "audit.html",
            entries=found,
            who=values[WHO],
            target=values[TARGET],
            earlier=None if before is None else urlencode({**filters, "before": before}),
            later=None if values[BEFORE] is None else urlencode(filters),
        )

    @requires_role(Role.ADMINISTER)
    @operation(
        "Who changed what", "access", returns_json(AuditList), parameters=(BEFORE, WHO, TARGET), faults=(503,)
    )
    async def _get_json(self, _: web.Request, values: ParameterValues) -> web.Response:
        found, before = await self._read(values)
        return json_response({"entries": found, "before": before})

    async def _read(self, values: ParameterValues) -> tuple[list[dict[str, Any]], int | None]:
        """Entries, and the number before which the next ones are."""
        found = await self._context.state.run(
            lambda session: [
                audit_entry_to_json(one)
                for one in query_audit(
                    session,
                    most=MOST_ENTRIES + 1,
                    before=values[BEFORE],
                    who=values[WHO] or None,
                    target=values[TARGET] or None,
                )
            ]
        )
        more = len(found) > MOST_ENTRIES
        return found[:MOST_ENTRIES], found[MOST_ENTRIES - 1]["number"] if more else None
