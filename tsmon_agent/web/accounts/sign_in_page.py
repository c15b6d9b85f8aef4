"""Signing in and out: ``/sign-in``, ``/sign-out``."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from tsmon.errors import StateError
from tsmon_agent.auth import begin_sign_in, compute_proof, end_sign_in, record_audit, secrets_match
from tsmon_agent.auth.secrets import create_secret
from tsmon_agent.auth.tokens import find_token_holder
from tsmon_agent.settings import WebSettings
from tsmon_agent.web.openapi import Answer, Body, Parameter, documented, html
from tsmon_agent.web.requests.forms import FORM, form_of
from tsmon_agent.web.requests.identity import WHO
from tsmon_agent.web.requests.required_role import for_everyone
from tsmon_agent.web.responses.templates import Templates
from tsmon_agent.web.security.cookies import Cookies
from tsmon_agent.web.security.gate import CSRF_FIELD, Gate

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tsmon_agent.context import AgentContext

__all__ = ["SignIn"]

LONGEST_TOKEN: Final = 200

NEXT: Final = Parameter("next", "Where to go then: a path of these pages.")
BODY: Final = Body({FORM: dict[str, str]}, required=False)
ELSEWHERE: Final = (303, Answer("Go on there.", {}))


class SignIn:
    """Changes a token for a cookie, and ends that."""

    def __init__(
        self, context: "AgentContext", settings: WebSettings, templates: Templates, gate: Gate, cookies: Cookies
    ) -> None:
        self._context = context
        self._base = settings.base_path
        self._lifetime_ns = round(settings.sign_in_lifetime * 1e9)
        self._templates = templates
        self._gate = gate
        self._cookies = cookies

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them."""
        return (
            web.get("/sign-in", self._form),
            web.post("/sign-in", self._sign_in),
            web.post("/sign-out", self._sign_out),
        )

    @for_everyone
    @documented("The form for signing in", "access", html("The page."), parameters=(NEXT,))
    async def _form(self, request: web.Request) -> web.Response:
        return self._page(request, request.query.get("next", ""))

    @for_everyone
    @documented(
        "Sign in with a token",
        "access",
        ELSEWHERE,
        html("The token is not good; the page again.", status=401),
        html("The form is too old; the page again.", status=403),
        body=BODY,
        faults=(415, 429, 503),
    )
    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        token, proof, there = (form.get(name, "") for name in ("token", CSRF_FIELD, "next"))
        tied = self._cookies.form(request)
        if not tied or not secrets_match(proof, compute_proof(tied, "sign-in")):
            sentence = "The form was too old, or cookies are forbidden here. Try once more."
            return self._page(request, there, sentence, status=403)
        who = await self._gate.who_by_token(request, token.strip()[:LONGEST_TOKEN])
        if who is None:
            return self._page(request, there, "This token is not good, or not any more.", status=401)

        def begin(session: "Session") -> str | None:
            now_ns = time.time_ns()
            holder = find_token_holder(session, token.strip(), now_ns)
            if holder is None:
                return None
            record_audit(session, who.actor, "sign in")
            return begin_sign_in(session, holder, now_ns=now_ns, lifetime_ns=self._lifetime_ns)

        try:
            secret = await self._context.state.run(begin)
        except StateError as error:
            raise web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.") from error
        if secret is None:
            return self._page(request, there, "This token is not good any more.", status=401)
        response = web.Response(status=303, headers={"Location": self._own(there)})
        self._cookies.set_sign_in(request, response, secret)
        return response

    @for_everyone
    @documented("Sign out", "access", ELSEWHERE, body=BODY, faults=(503,))
    async def _sign_out(self, request: web.Request) -> web.Response:
        who = request[WHO]
        if who.secret:

            def end(session: "Session") -> None:
                end_sign_in(session, who.secret)
                record_audit(session, who.actor, "sign out")

            try:
                await self._context.state.run(end)
            except StateError as error:
                raise web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.") from error
            self._gate.credentials.forget()
        response = web.Response(status=303, headers={"Location": f"{self._base}/"})
        self._cookies.clear(request, response)
        return response

    def _page(
        self, request: web.Request, there: str, sentence: str | None = None, *, status: int = 200
    ) -> web.Response:
        tied = self._cookies.form(request)
        made = tied or create_secret()
        response = self._templates.page(
            request,
            "sign_in.html",
            status=status,
            sentence=sentence,
            there=self._own(there),
            form_csrf=compute_proof(made, "sign-in"),
        )
        if not tied:
            self._cookies.set_form(request, response, made)
        return response

    def _own(self, there: str) -> str:
        """The path where somebody wants to go, if it is one of these pages; otherwise the first."""
        try:
            parts = urlsplit(there)
        except ValueError:
            return f"{self._base}/"
        own = there.startswith(f"{self._base}/") and not there.startswith("//") and not parts.netloc
        printable = there.isprintable() and "\\" not in there
        signs = parts.path in (f"{self._base}/sign-in", f"{self._base}/sign-out")
        return there if own and printable and not parts.scheme and not signs else f"{self._base}/"
