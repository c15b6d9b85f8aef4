"""Where a request comes from, also through reverse proxies.

Only proxies that the settings name are trusted (``X-Forwarded-For``, ``-Proto``, ``-Host``), and only the part of a
header that they have added themselves: its end. A request through a proxy never counts as coming from this machine,
whether the proxy is trusted or not, and whatever its headers say.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

__all__ = ["CLIENT", "SAFE_METHODS", "Client", "Clients"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BY_PROXIES: Final = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-IP",
)
"""Headers that proxies add; one of them betrays a proxy that the settings do not name."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects: the address, whether it is this machine, and how a browser there sees the agent."""

    address: str
    local: bool
    secure: bool
    authority: str | None
    """Name and port in the request; None unless there is exactly one ``Host``."""

    @property
    def network(self) -> str:
        """What counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


CLIENT: Final = web.RequestKey("client", Client)


class Clients:
    """Middleware that finds out where each request comes from."""

    def __init__(self, trusted: Iterable[Network], *, encrypted: bool) -> None:
        self._trusted = tuple(trusted)
        self._encrypted = encrypted

    @web.middleware
    async def attach(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Store the client of a request under :data:`CLIENT`."""
        request[CLIENT] = self.find(request)
        return await handler(request)

    def find(self, request: web.Request) -> Client:
        """The client of a request."""
        peername = request.get_extra_info("peername")
        peer = _parse_address(str(peername[0])) if peername else None
        peer_text = str(peer) if peer is not None else "unknown"
        hosts = request.headers.getall("Host", [])
        authority = hosts[0].lower() if len(hosts) == 1 else None
        if peer is None or not self._is_trusted(peer):
            # A proxy that adds no header at all speaks HTTP/1.0, as nginx does by default.
            through_proxy = any(name in request.headers for name in BY_PROXIES) or request.version < HttpVersion11
            local = peer is not None and peer.is_loopback and not through_proxy
            return Client(peer_text, local, self._encrypted, authority)
        if forwarded := _header_values(request, "X-Forwarded-Host"):
            authority = forwarded[-1].lower()
        schemes = _header_values(request, "X-Forwarded-Proto")
        secure = schemes[-1].lower() == "https" if schemes else self._encrypted
        far = self._far_end(_header_values(request, "X-Forwarded-For"))
        # Never local: a proxy may pass on an address that its client has made up.
        return Client(peer_text if far is None else str(far), False, secure, authority)

    def _is_trusted(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)

    def _far_end(self, addresses: list[str]) -> Address | None:
        """The last address that is not a trusted proxy's; None where there is none, or it is malformed."""
        for text in reversed(addresses):
            address = _parse_address(text)
            if address is None or not self._is_trusted(address):
                return address
        return None


def _header_values(request: web.Request, name: str) -> list[str]:
    return [part.strip() for value in request.headers.getall(name, []) for part in value.split(",")]


def _parse_address(text: str) -> Address | None:
    """An address from a text with or without a port; an IPv4-mapped IPv6 address becomes the IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
