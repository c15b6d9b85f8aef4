"""``/audit`` and ``/api/audit``: who changed what, for administrators."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from tsmon_agent.auth import Role, audit_entry_to_json, query_audit
from tsmon_agent.web.openapi import Parameter, documented, html, json
from tsmon_agent.web.requests.required_role import needs
from tsmon_agent.web.responses.responses import json_response
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security.audited_changes import asked

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["AuditPage"]

AT_ONCE: Final = 100
LARGEST: Final = 2**31 - 1

BEFORE: Final = Parameter(
    "before", "Only entries before this number.", {"type": "integer", "minimum": 1, "maximum": LARGEST}
)
BY: Final = Parameter("who", "Only what this one did: a token's name, or a user's.")
TARGET: Final = Parameter("target", "Only changes of this.")


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
    """Entries, the newest first; ``before`` is what to ask next with, null at the end."""

    entries: list[AuditEntryJson]
    before: int | None


class AuditPage:
    """Shows the audit, page by page."""

    def __init__(self, context: "AgentContext", templates: Templates) -> None:
        self._context = context
        self._templates = templates

    def routes(self) -> Iterable[web.RouteDef]:
        """Both of them."""
        return (web.get("/audit", self._page), web.get("/api/audit", self._json))

    @needs(Role.ADMINISTER)
    @documented("Who changed what", "pages", html("The page."), parameters=(BEFORE, BY, TARGET), faults=(503,))
    async def _page(self, request: web.Request) -> web.Response:
        found, before = await self._entries(request)
        filters = {name: request.query[name] for name in ("who", "target") if request.query.get(name)}
        return self._templates.page(
            request,
            "audit.html",
            entries=found,
            who=filters.get("who", ""),
            target=filters.get("target", ""),
            earlier=None if before is None else urlencode({**filters, "before": before}),
            later=urlencode(filters) if "before" in request.query else None,
        )

    @needs(Role.ADMINISTER)
    @documented("Who changed what", "access", json(AuditList), parameters=(BEFORE, BY, TARGET), faults=(503,))
    async def _json(self, request: web.Request) -> web.Response:
        found, before = await self._entries(request)
        return json_response({"entries": found, "before": before})

    async def _entries(self, request: web.Request) -> tuple[list[dict[str, Any]], int | None]:
        before = _before(request)
        who, target = request.query.get("who") or None, request.query.get("target") or None
        found = await asked(
            self._context,
            lambda session: [
                audit_entry_to_json(one)
                for one in query_audit(session, most=AT_ONCE + 1, before=before, who=who, target=target)
            ],
        )
        more = len(found) > AT_ONCE
        return found[:AT_ONCE], found[AT_ONCE - 1]["number"] if more else None


def _before(request: web.Request) -> int | None:
    text = request.query.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:12]) <= LARGEST and len(text) <= 12):
        raise web.HTTPBadRequest(text="The parameter before is no number of an entry.")
    return int(text)
