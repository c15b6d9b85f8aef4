"""The gate: before any handler runs, it finds out who sends a request, and refuses those who may not."""

import asyncio
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
from tsmon_agent.web.requests.forms import FORM, read_form
from tsmon_agent.web.requests.identity import IDENTITY, Identity
from tsmon_agent.web.requests.required_role import required_role
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
"""All strangers, who together have one budget of refusals in the audit."""


class Gate:
    """Middleware that lets requests in by role.

    A token (``Authorization: Bearer …`` or ``Token …``) gives its roles. A sign-in gives those of the token that it
    was made with, and each change by it needs a proof that the request comes from one of our pages. Everyone else
    has no role, except that requests from this machine may see, and all requests where the settings say so.
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
        identity = request[IDENTITY] = await self.identify(request)
        required = required_role(request.match_info.handler)
        if request.match_info.http_exception is not None:
            required = Role.SEE  # only those who may see pages learn whether there is such a page
        if required is not None and not identity.may(required):
            raise await self._refuse(request, identity, required)
        changes = request.method not in SAFE_METHODS
        if changes and identity.by == "sign-in" and not await _has_proof(request, identity):
            raise web.HTTPForbidden(text="The page is too old for this, or not one of the agent's; load it again.")
        if changes or hdrs.UPGRADE in request.headers:
            # A change is finished even if the client leaves; a socket of a page ends itself.
            return await asyncio.shield(handler(request))
        return await handler(request)

    async def identify(self, request: web.Request) -> Identity:
        """Who sent a request; raises 401 for an invalid token, 429 for too many of them."""
        client = request[CLIENT]
        if headers := request.headers.getall(hdrs.AUTHORIZATION, []):
            scheme, _, secret = headers[0].strip().partition(" ")
            if len(headers) > 1 or scheme.lower() not in SCHEMES:
                raise web.HTTPUnauthorized(text="Send a token as Authorization: Bearer TOKEN.", headers=CHALLENGE)
            holder_identity = await self.identify_token(request, secret.strip())
            if holder_identity is None:
                raise web.HTTPUnauthorized(text="The token is invalid, revoked or expired.", headers=CHALLENGE)
            return holder_identity
        sees = client.local or self._settings.open_to_everyone
        if secret := self._cookies.sign_in_secret(request):
            try:
                holder = await self.credentials.find_holder("sign-in", secret)
            except StateError:
                if not sees:
                    raise
                holder = None
            if holder is not None:
                return Identity(client, holder.name, holder.roles, "sign-in", secret)
        return Identity(client, roles=frozenset({Role.SEE}) if sees else frozenset())

    async def identify_token(self, request: web.Request, secret: str) -> Identity | None:
        """The holder of a token; None for an invalid one, which is recorded; raises 429 for too many of them."""
        client = request[CLIENT]
        holder = await self.credentials.find_holder("token", secret)
        if holder is not None:
            # A valid token is accepted even from an address that others have sent invalid ones from.
            return Identity(client, holder.name, holder.roles, "token")
        if wait_s := self.attempts.wait_s(client.network):
            raise web.HTTPTooManyRequests(
                text=f"Too many invalid tokens came from your address; try again in {math.ceil(wait_s)} seconds.",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )
        self.attempts.record_failure(client.network)
        await self.record_refusal(Identity(client), "bring a token", request.rel_url.raw_path)
        return None

    async def may_still_see(self, request: web.Request) -> bool:
        """Whether the sender of an earlier request may still see pages; yes while the state does not answer."""
        try:
            return (await self.identify(request)).may(Role.SEE)
        except StateError:
            return True
        except web.HTTPException:
            return False

    async def record_refusal(self, identity: Identity, action: str, target: str) -> None:
        """Record a refusal in the log, and in the audit as far as the budget allows."""
        self._limited.warning("refused", f"{identity.name} at {identity.client.address} was refused: {action}")
        # Each token has a budget of its own, so that strangers cannot crowd its refusals out.
        budget = EVERYBODY if identity.by is None else f"token {identity.name}"
        if self.attempts.wait_s(budget):
            return
        self.attempts.record_failure(budget)
        try:
            await self._context.state.run(
                lambda session: record_audit(session, identity.actor, action, target[:255], outcome=REFUSED)
            )
        except StateError as error:
            self._limited.warning("audit", f"a refusal is missing in the audit: {error}")

    async def _refuse(self, request: web.Request, identity: Identity, required: Role) -> web.HTTPException:
        if identity.by is not None:
            if request.method not in SAFE_METHODS:
                await self.record_refusal(
                    identity, f"{request.method} without the role {required}", request.rel_url.raw_path
                )
            return web.HTTPForbidden(text=f"This needs the role {required}, which your token does not have.")
        if (
            request.method in SAFE_METHODS
            and "text/html" in request.headers.get(hdrs.ACCEPT, "")
            and hdrs.UPGRADE not in request.headers
        ):
            here = quote(request.path_qs, safe="")
            return web.HTTPSeeOther(f"{self._settings.base_path}/sign-in?next={here}")
        return web.HTTPUnauthorized(
            text=f"This needs the role {required}; sign in, or send a token as Authorization: Bearer TOKEN.",
            headers=CHALLENGE,
        )


async def _has_proof(request: web.Request, identity: Identity) -> bool:
    proof = request.headers.get(CSRF_HEADER)
    if proof is None and request.content_type == FORM:
        proof = (await read_form(request)).get(CSRF_FIELD)
    return proof is not None and secrets_match(proof, identity.csrf)
