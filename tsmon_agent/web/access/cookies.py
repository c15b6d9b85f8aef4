"""Cookies of sign-ins: no script reads them, no other site sends them along with changes."""

from typing import Final

from aiohttp import web

from tsmon.settings import WebSettings
from tsmon_agent.web.access.client import CLIENT

__all__ = ["Cookies"]

FORM_S: Final = 3_600
"""How long the form for signing in may stay open."""


class Cookies:
    """Two cookies: that of a sign-in, and that which ties the form to the browser that asked for it.

    Browsers send the cookies of a host to all of its ports, so the agent's port is in their names.
    """

    def __init__(self, settings: WebSettings, port: int) -> None:
        self._path = f"{settings.base_path}/"
        self._lifetime_s = round(settings.sign_in_lifetime)
        self._sign_in = f"tsmon_sign_in_{port}"
        self._form = f"tsmon_form_{port}"

    def sign_in(self, request: web.Request) -> str:
        """Secret of the sign-in that a request claims; empty where it claims none."""
        return request.cookies.get(self._sign_in, "")

    def form(self, request: web.Request) -> str:
        """Secret that the form for signing in was made with."""
        return request.cookies.get(self._form, "")

    def set_sign_in(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Sign the browser in."""
        # Lax: who follows a link in a message arrives signed in. Changes are proven by more than the cookie.
        self._set(request, response, self._sign_in, secret, self._lifetime_s, "Lax")
        response.del_cookie(self._form, path=self._path)

    def set_form(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Tie the form to the browser."""
        self._set(request, response, self._form, secret, FORM_S, "Strict")

    def clear(self, response: web.StreamResponse) -> None:
        """Sign the browser out."""
        response.del_cookie(self._sign_in, path=self._path)

    def _set(
        self, request: web.Request, response: web.StreamResponse, name: str, value: str, age_s: int, same_site: str
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=age_s,
            path=self._path,
            httponly=True,
            secure=request[CLIENT].secure,
            samesite=same_site,
        )
