"""The gate: who asks is found out, and those who may not are refused, before any handler runs."""

import math
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from tsmon.errors import StateError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon_agent.auth import REFUSED, Role, record_audit, secrets_match
from tsmon_agent.settings import WebSettings
from tsmon_agent.web.requests.client import CLIENT, SAFE_METHODS
from tsmon_agent.web.requests.forms import FORM, form_of
from tsmon_agent.web.requests.identity import WHO, Who
from tsmon_agent.web.requests.required_role import needed_role
from tsmon_agent.web.security.attempts import Attempts
from tsmon_agent.web.security.cookies import Cookies
from tsmon_agent.web.security.credentials import Credentials

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["CSRF_FIELD", "CSRF_HEADER", "Gate"]

SCHEMES: Final = ("bearer", "token")
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tsmon-agent"'}

EVERYBODY: Final = "everybody"
"""Strangers, whose attempts count together for how many refusals are noted."""


class Gate:
    """Middleware that lets requests in by role.

    Who brings a token (``Authorization: Bearer …`` or ``Token …``) has its roles; who has signed in has those of
    the token that was used, and needs a proof with each change that the request comes from a page of ours. Others
    have no role, but for those on this machine, and where the settings say so everyone, who may see.
    """

    def __init__(self, context: "AgentContext", settings: WebSettings, cookies: Cookies) -> None:
        self._context = context
        self._settings = settings
        self._cookies = cookies
        self.credentials = Credentials(context)
        self.attempts = Attempts()
        self._limited = RateLimitedLog()

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on, or refuse it."""
        who = request[WHO] = await self.who(request)
        needed = needed_role(request.match_info.handler)
        if request.match_info.http_exception is not None:
            needed = Role.SEE  # whether there is such a page is for those who see pages
        if needed is not None and not who.may(needed):
            raise await self._refusal(request, who, needed)
        if request.method not in SAFE_METHODS and who.by == "sign-in" and not await _is_proven(request, who):
            raise web.HTTPForbidden(text="The page is too old for this, or not one of the agent's; load it again.")
        return await handler(request)

    async def who(self, request: web.Request) -> Who:
        """Who sent a request; raises 401 for a token that is not good, 429 for too many of these."""
        client = request[CLIENT]
        if headers := request.headers.getall(hdrs.AUTHORIZATION, []):
            scheme, _, secret = headers[0].strip().partition(" ")
            if len(headers) > 1 or scheme.lower() not in SCHEMES:
                raise web.HTTPUnauthorized(text="Bring a token as Authorization: Bearer TOKEN.", headers=CHALLENGE)
            who = await self.who_by_token(request, secret.strip())
            if who is None:
                raise web.HTTPUnauthorized(text="The token is not good, or not any more.", headers=CHALLENGE)
            return who
        sees = client.local or self._settings.open_to_everyone
        if secret := self._cookies.sign_in(request):
            try:
                holder = await self.credentials.holder("sign-in", secret)
            except StateError as error:
                if not sees:
                    raise _no_state(error) from error
                holder = None
            if holder is not None:
                return Who(client, holder.name, holder.roles, "sign-in", secret)
        return Who(client, roles=frozenset({Role.SEE}) if sees else frozenset())

    async def who_by_token(self, request: web.Request, secret: str) -> Who | None:
        """Who has a token; None, noted in the audit, where nobody has, 429 for too many of these."""
        client = request[CLIENT]
        try:
            holder = await self.credentials.holder("token", secret)
        except StateError as error:
            raise _no_state(error) from error
        if holder is not None:
            # Nobody is locked out by others at the same address.
            return Who(client, holder.name, holder.roles, "token")
        if wait_s := self.attempts.wait_s(client.network):
            raise web.HTTPTooManyRequests(
                text=f"Too many tokens from your address were not good; try again in {math.ceil(wait_s)} seconds.",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )
        self.attempts.failed(client.network)
        await self.note_refusal(Who(client), "bring a token", request.rel_url.raw_path)
        return None

    async def may_still_see(self, request: web.Request) -> bool:
        """Whether who opened a page may go on to look at it."""
        try:
            return (await self.who(request)).may(Role.SEE)
        except web.HTTPServiceUnavailable:
            return True  # nothing is known that speaks against it
        except web.HTTPException:
            return False

    async def note_refusal(self, who: Who, action: str, target: str) -> None:
        """Put a refusal into the audit, as far as there are not very many, and into the log."""
        self._limited.warning("refused", f"{who.name} at {who.client.address} was refused: {action}")
        # What strangers fill with refusals leaves room for what a token is refused.
        budget = EVERYBODY if who.by is None else f"token {who.name}"
        if self.attempts.wait_s(budget):
            return
        self.attempts.failed(budget)
        try:
            await self._context.state.run(
                lambda session: record_audit(session, who.actor, action, target[:255], outcome=REFUSED)
            )
        except StateError as error:
            self._limited.warning("audit", f"a refusal is not in the audit: {error}")

    async def _refusal(self, request: web.Request, who: Who, needed: Role) -> web.HTTPException:
        if who.by is not None:
            if request.method not in SAFE_METHODS:
                await self.note_refusal(
                    who, f"{request.method} without the role {needed}", request.rel_url.raw_path
                )
            return web.HTTPForbidden(text=f"Your token has not the role {needed}, which this needs.")
        if (
            request.method in SAFE_METHODS
            and "text/html" in request.headers.get(hdrs.ACCEPT, "")
            and hdrs.UPGRADE not in request.headers
        ):
            here = quote(request.path_qs, safe="")
            return web.HTTPSeeOther(f"{self._settings.base_path}/sign-in?next={here}")
        return web.HTTPUnauthorized(
            text=f"This needs a token with the role {needed}; sign in, or bring it as Authorization: Bearer TOKEN.",
            headers=CHALLENGE,
        )


async def _is_proven(request: web.Request, who: Who) -> bool:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.content_type == FORM:
        given = (await form_of(request)).get(CSRF_FIELD)
    return given is not None and secrets_match(given, who.csrf)


def _no_state(error: StateError) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(text=f"Who you are cannot be found out: {error}.")
