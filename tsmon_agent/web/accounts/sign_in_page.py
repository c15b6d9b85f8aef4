"""``/sign-in`` and ``/sign-out``: a token for a cookie, and back."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from tsmon.time_units import SECOND_NS
from tsmon_agent.auth import begin_sign_in, compute_proof, end_sign_in, record_audit, secrets_match
from tsmon_agent.auth.secrets import create_secret
from tsmon_agent.auth.tokens import find_token_holder
from tsmon_agent.web.handlers import Handlers, WebParts
from tsmon_agent.web.openapi import Body, operation, returns, returns_page
from tsmon_agent.web.requests.forms import FORM, read_form
from tsmon_agent.web.requests.identity import IDENTITY
from tsmon_agent.web.requests.parameters import ParameterValues, text
from tsmon_agent.web.requests.required_role import for_everyone
from tsmon_agent.web.security.gate import CSRF_FIELD

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["SignInPage"]

LONGEST_TOKEN: Final = 200

NEXT: Final = text("next", "Path of the page to go to afterwards.")
BODY: Final = Body({FORM: dict[str, str]}, required=False)
REDIRECT: Final = returns(303, "Go to the page in the header Location.")


class SignInPage(Handlers):
    """Exchanges a token for a cookie, and ends the sign-in again."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._base = parts.settings.base_path
        self._lifetime_ns = round(parts.settings.sign_in_lifetime * SECOND_NS)
        self._gate = parts.gate
        self._cookies = parts.cookies

    def routes(self) -> Iterable[web.RouteDef]:
        """The form, signing in, and signing out."""
        return (
            web.get("/sign-in", self._get_form),
            web.post("/sign-in", self._sign_in),
            web.post("/sign-out", self._sign_out),
        )

    @for_everyone
    @operation("The sign-in form", "access", returns_page(), parameters=(NEXT,))
    async def _get_form(self, request: web.Request, values: ParameterValues) -> web.Response:
        return self._render(request, values[NEXT])

    @for_everyone
    @operation(
        "Sign in with a token",
        "access",
        REDIRECT,
        returns_page("The form again: the token is invalid.", status=401),
        returns_page("The form again: it was too old.", status=403),
        body=BODY,
        faults=(415, 429, 503),
    )
    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        token, proof, next_path = (form.get(name, "") for name in ("token", CSRF_FIELD, "next"))
        form_secret = self._cookies.form_secret(request)
        if not form_secret or not secrets_match(proof, compute_proof(form_secret, "sign-in")):
            sentence = "The form was too old, or your browser does not accept cookies. Try again."
            return self._render(request, next_path, sentence, status=403)
        identity = await self._gate.identify_token(request, token.strip()[:LONGEST_TOKEN])
        if identity is None:
            return self._render(request, next_path, "This token is invalid, revoked or expired.", status=401)

        def begin(session: "Session") -> str | None:
            now_ns = time.time_ns()
            holder = find_token_holder(session, token.strip(), now_ns)
            if holder is None:
                return None
            record_audit(session, identity.actor, "sign in")
            return begin_sign_in(session, holder, now_ns=now_ns, lifetime_ns=self._lifetime_ns)

        secret = await self._context.state.run(begin)
        if secret is None:
            return self._render(request, next_path, "This token has just been revoked or has expired.", status=401)
        response = web.Response(status=303, headers={"Location": self._own_path(next_path)})
        self._cookies.set_sign_in(request, response, secret)
        return response

    @for_everyone
    @operation("Sign out", "access", REDIRECT, body=BODY, faults=(503,))
    async def _sign_out(self, request: web.Request) -> web.Response:
        identity = request[IDENTITY]
        if identity.secret:

            def end(session: "Session") -> None:
                end_sign_in(session, identity.secret)
                record_audit(session, identity.actor, "sign out")

            await self._context.state.run(end)
            self._gate.credentials.clear_cache()
        response = web.Response(status=303, headers={"Location": f"{self._base}/"})
        self._cookies.clear(request, response)
        return response

    def _render(
        self, request: web.Request, next_path: str, sentence: str | None = None, *, status: int = 200
    ) -> web.Response:
        form_secret = self._cookies.form_secret(request)
        made = form_secret or create_secret()
        response = self._templates.render(
            request,
            "sign_in.html",
            status=status,
            sentence=sentence,
            next_path=self._own_path(next_path),
            form_csrf=compute_proof(made, "sign-in"),
        )
        if not form_secret:
            self._cookies.set_form(request, response, made)
        return response

    def _own_path(self, next_path: str) -> str:
        """The path if it is one of these pages, and otherwise that of the first page."""
        try:
            parts = urlsplit(next_path)
        except ValueError:
            return f"{self._base}/"
        own = next_path.startswith(f"{self._base}/") and not next_path.startswith("//") and not parts.netloc
        printable = next_path.isprintable() and "\\" not in next_path
        signs = parts.path in (f"{self._base}/sign-in", f"{self._base}/sign-out")
        return next_path if own and printable and not parts.scheme and not signs else f"{self._base}/"
