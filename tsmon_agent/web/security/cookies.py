"""Cookies of sign-ins: no script reads them, no other site sends them along with changes."""

from typing import Final

from aiohttp import web

from tsmon_agent.settings import WebSettings
from tsmon_agent.web.requests.client import CLIENT

__all__ = ["Cookies"]

FORM_S: Final = 3_600
"""How long the sign-in form may stay open."""


class Cookies:
    """Two cookies: one for a sign-in, and one that ties the sign-in form to the browser that requested it.

    Browsers send the cookies of a host to all of its ports, so the agent's port is in their names. With TLS the
    names begin with ``__Host-`` (RFC 6265bis), so that no other host of the domain can set them, unless the pages
    have a base path.
    """

    def __init__(self, settings: WebSettings, port: int) -> None:
        self._path = f"{settings.base_path}/"
        self._lifetime_s = round(settings.sign_in_lifetime)
        self._port = port

    def sign_in_secret(self, request: web.Request) -> str:
        """Secret of the sign-in that a request claims; empty without one."""
        return request.cookies.get(self._name(request, "sign_in"), "")

    def form_secret(self, request: web.Request) -> str:
        """Secret that the sign-in form was rendered with; empty without one."""
        return request.cookies.get(self._name(request, "form"), "")

    def set_sign_in(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Sign the browser in."""
        # Lax, so that a link in a message leads to a signed-in page. LoadResult need more proof than the cookie.
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
