"""Who sends a request: by a token, by a sign-in, or nobody who is known."""

from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web

from tsmon_agent.auth import Actor, Role, compute_proof, is_allowed
from tsmon_agent.web.requests.client import Client

__all__ = ["IDENTITY", "Identity", "identity_of"]

NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request, with which roles; ``secret`` is that of a sign-in."""

    client: Client
    name: str = NOBODY
    roles: frozenset[Role] = frozenset()
    by: Literal["token", "sign-in"] | None = None
    secret: str = field(default="", repr=False)

    def may(self, role: Role) -> bool:
        """Whether the roles include this one."""
        return is_allowed(self.roles, role)

    @property
    def csrf(self) -> str:
        """What a form has to carry, which no other site knows; empty without a sign-in."""
        return compute_proof(self.secret, "csrf") if self.secret else ""

    @property
    def actor(self) -> Actor:
        """The same for the audit."""
        return Actor(self.name, self.client.address)


IDENTITY: Final = web.RequestKey("identity", Identity)


def identity_of(request: web.Request) -> Identity | None:
    """Who sent a request; None where it was refused before that was known."""
    return request.get(IDENTITY)
