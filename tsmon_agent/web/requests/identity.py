"""Who asks: by a token, by a sign-in, or nobody that is known."""

from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web

from tsmon_agent.auth import Actor, Role, compute_proof, is_allowed
from tsmon_agent.web.requests.client import Client

__all__ = ["WHO", "Who", "who_asks"]

NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody with roles; ``secret`` is that of a sign-in."""

    client: Client
    name: str = NOBODY
    roles: frozenset[Role] = frozenset()
    by: Literal["token", "sign-in"] | None = None
    secret: str = field(default="", repr=False)

    def may(self, role: Role) -> bool:
        """Whether that is allowed."""
        return is_allowed(self.roles, role)

    @property
    def csrf(self) -> str:
        """What a form has to carry, which no other site knows; empty for those who have not signed in."""
        return compute_proof(self.secret, "csrf") if self.secret else ""

    @property
    def actor(self) -> Actor:
        """The same for the audit."""
        return Actor(self.name, self.client.address)


WHO: Final = web.RequestKey("who", Who)


def who_asks(request: web.Request) -> Who | None:
    """Who sent a request; None where it was refused before that was clear."""
    return request.get(WHO)
