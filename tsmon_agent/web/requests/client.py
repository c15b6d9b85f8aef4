"""Where a request comes from, also through reverse proxies.

Only proxies that the settings name are believed (``X-Forwarded-For``, ``-Proto``, ``-Host``), and of what they say
only the part that they have added themselves: its end. A request through a proxy never counts as from this machine,
whether the proxy is named or not, and whatever it says.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

__all__ = ["CLIENT", "SAFE_METHODS", "Client", "Clients"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
"""What changes nothing."""

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
"""Headers that proxies add; one that nobody has named may be in between."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects: the address, whether it is this machine, and how the way from there looks to a browser."""

    address: str
    local: bool
    secure: bool
    authority: str | None
    """Name and port that were asked for; None where that is not told exactly once."""

    @property
    def network(self) -> str:
        """What counts as one client: the address, of IPv6 the 64 bits that one site has."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


CLIENT: Final = web.RequestKey("client", Client)


class Clients:
    """Middleware that tells of each request where it comes from."""

    def __init__(self, trusted: Iterable[Network], *, encrypted: bool) -> None:
        self._trusted = tuple(trusted)
        self._encrypted = encrypted

    @web.middleware
    async def tell(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note the client of a request under :data:`CLIENT`."""
        request[CLIENT] = self.of(request)
        return await handler(request)

    def of(self, request: web.Request) -> Client:
        """The client of a request."""
        peername = request.get_extra_info("peername")
        peer = _address(str(peername[0])) if peername else None
        shown = str(peer) if peer is not None else "unknown"
        hosts = request.headers.getall("Host", [])
        authority = hosts[0].lower() if len(hosts) == 1 else None
        if peer is None or not self._is_trusted(peer):
            # Proxies that add no header at all speak HTTP/1.0, as nginx does unless it is told otherwise.
            through_proxy = any(name in request.headers for name in BY_PROXIES) or request.version < HttpVersion11
            local = peer is not None and peer.is_loopback and not through_proxy
            return Client(shown, local, self._encrypted, authority)
        if forwarded := _values(request, "X-Forwarded-Host"):
            authority = forwarded[-1].lower()
        schemes = _values(request, "X-Forwarded-Proto")
        secure = schemes[-1].lower() == "https" if schemes else self._encrypted
        far = self._far_end(_values(request, "X-Forwarded-For"))
        # This machine is whoever connects from it, never who is said to: a proxy may pass on what it was told.
        return Client(shown if far is None else str(far), False, secure, authority)

    def _is_trusted(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)

    def _far_end(self, addresses: list[str]) -> Address | None:
        """The last address that is no trusted proxy's; None where it is not told, or is none."""
        for text in reversed(addresses):
            address = _address(text)
            if address is None or not self._is_trusted(address):
                return address
        return None


def _values(request: web.Request, name: str) -> list[str]:
    return [part.strip() for value in request.headers.getall(name, []) for part in value.split(",")]


def _address(text: str) -> Address | None:
    """An address, with or without a port; an IPv4 address within IPv6 is that of IPv4."""
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
