"""Headers of every response, which keep browsers careful."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from tsmon_agent.web.requests.client import CLIENT

__all__ = ["add_headers", "require_https"]

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with none at all browsers post forms with Origin: null
    "X-Content-Type-Options": "nosniff",
}


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers to a response that is about to be sent."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "tsmon-agent"


def require_https(seconds: int) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal handler that makes browsers use HTTPS alone for so long (HSTS), once they have come by HTTPS."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        client = request.get(CLIENT)
        if client is not None and client.secure:
            response.headers["Strict-Transport-Security"] = f"max-age={seconds}"

    return add
