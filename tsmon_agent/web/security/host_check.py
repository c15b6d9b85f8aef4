"""Protection from other sites that a browser on this machine has open.

A foreign page can make the browser connect to this agent under a name of its own (DNS rebinding), so the name
in the request must be one of the agent's. It can also open a WebSocket or post a form, which the same-origin
policy does not prevent, so their Origin must be this agent too.
"""

import re
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from tsmon_agent.web.requests.client import CLIENT, SAFE_METHODS, Client

__all__ = ["HostCheck"]

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_AUTHORITY: Final = re.compile(r"(?:\[(?P<bracketed>[0-9a-f:.%]+)\]|(?P<name>[^:\[\]/@\s]+))(?::(?P<port>\d+))?")


class HostCheck:
    """Middleware that refuses requests under a foreign name with 421, and from a foreign page with 403.

    The agent's own names are those of loopback, the address that it listens on, the address of the connection, and
    ``allowed_hosts`` (with a port, only with that port). Any other name is foreign, even if it resolves to this
    machine: that is the attack.
    """

    def __init__(self, listen: str, allowed_hosts: Iterable[str]) -> None:
        self._names = LOOPBACK | {listen.lower()}
        self._allowed = {_split(host.lower()) for host in allowed_hosts} - {("", "")}

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on, or refuse it."""
        client = request[CLIENT]
        if client.authority is None or not self._is_own(request, client.authority):
            raise web.HTTPMisdirectedRequest(
                text="The address you used is not one of this agent's; add its name to web.allowed_hosts."
            )
        if "Content-Encoding" in request.headers:
            raise web.HTTPUnsupportedMediaType(text="Send the body uncompressed.")
        if "Upgrade" in request.headers or request.method not in SAFE_METHODS:
            self._check_origin(request, client, client.authority)
        return await handler(request)

    def _is_own(self, request: web.Request, authority: str) -> bool:
        name, port = _split(authority)
        if name in self._names or (name, "") in self._allowed or (name, port) in self._allowed:
            return True
        local = request.get_extra_info("sockname")
        return local is not None and name == str(local[0])

    def _check_origin(self, request: web.Request, client: Client, authority: str) -> None:
        origins = request.headers.getall("Origin", [])
        if not origins:
            return  # browsers always send an origin here: this is a program, which could claim any
        scheme, separator, origin = origins[0].lower().partition("://")
        schemes = ("https",) if client.secure else ("http", "https")
        own = origin == authority or _split(origin) in self._allowed
        if len(origins) != 1 or not separator or scheme not in schemes or not own:
            raise web.HTTPForbidden(text="The request comes from a page of another site.")


def _split(authority: str) -> tuple[str, str]:
    """Name without brackets, and port; the port is empty where there is none, both where this is no authority."""
    found = _AUTHORITY.fullmatch(authority)
    return (found["bracketed"] or found["name"], found["port"] or "") if found else ("", "")
