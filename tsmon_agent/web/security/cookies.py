"""Cookies of sign-ins: no script reads them, no other site sends them along with changes."""

from typing import Final

from aiohttp import web

from tsmon_agent.settings import WebSettings
from tsmon_agent.web.requests.client import CLIENT

__all__ = ["Cookies"]

FORM_S: Final = 3_600
"""How long the form for signing in may stay open."""


class Cookies:
    """Two cookies: that of a sign-in, and that which ties the form to the browser that asked for it.

    Browsers send the cookies of a host to all of its ports, so the agent's port is in their names. Under TLS they
    are such as no other host of the same domain can set (``__Host-``, RFC 6265bis), unless the pages have a path
    of their own.
    """

    def __init__(self, settings: WebSettings, port: int) -> None:
        self._path = f"{settings.base_path}/"
        self._lifetime_s = round(settings.sign_in_lifetime)
        self._port = port

    def sign_in(self, request: web.Request) -> str:
        """Secret of the sign-in that a request claims; empty where it claims none."""
        return request.cookies.get(self._name(request, "sign_in"), "")

    def form(self, request: web.Request) -> str:
        """Secret that the form for signing in was made with."""
        return request.cookies.get(self._name(request, "form"), "")

    def set_sign_in(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Sign the browser in."""
        # Lax: who follows a link in a message arrives signed in. Changes are proven by more than the cookie.
        self._set(request, response, "sign_in", secret, self._lifetime_s, "Lax")
        self._delete(request, response, "form")

    def set_form(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Tie the form to the browser."""
        self._set(request, response, "form", secret, FORM_S, "Strict")

    def clear(self, request: web.Request, response: web.StreamResponse) -> None:
        """Sign the browser out."""
        self._delete(request, response, "sign_in")

    def _name(self, request: web.Request, kind: str) -> str:
        own = request[CLIENT].secure and self._path == "/"
        return f"{'__Host-' if own else ''}tsmon_{kind}_{self._port}"

    def _set(
        self, request: web.Request, response: web.StreamResponse, kind: str, value: str, age_s: int, same_site: str
    ) -> None:
        response.set_cookie(
            self._name(request, kind),
            value,
            max_age=age_s,
            path=self._path,
            httponly=True,
            secure=request[CLIENT].secure,
            samesite=same_site,
        )

    def _delete(self, request: web.Request, response: web.StreamResponse, kind: str) -> None:
        response.del_cookie(
            self._name(request, kind), path=self._path, httponly=True, secure=request[CLIENT].secure
        )
