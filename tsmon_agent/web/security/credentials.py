"""Looks up tokens and sign-ins in the state, and remembers good ones for a second."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from tsmon_agent.auth import Holder, find_sign_in_holder, find_token_holder

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Credentials"]

REMEMBERED_S: Final = 1.0
"""A page asks for a dozen files at once; what another process revokes is refused after this at the latest."""

MOST: Final = 1_000

Kind = Literal["token", "sign-in"]


class Credentials:
    """Whose a secret is, by the state of an agent."""

    def __init__(
        self,
        context: "AgentContext",
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[tuple[object, Kind, str], tuple[float, Holder]] = {}

    async def holder(self, kind: Kind, secret: str) -> Holder | None:
        """Who has it; None where nobody has, or no more. Raises :class:`~tsmon.errors.StateError`."""
        state = self._context.state
        key = (state, kind, secret)
        now_ns = self._clock()
        until, found = self._known.get(key, (0.0, None))
        if found is not None and self._monotonic() < until and (found.expires_ns or now_ns + 1) > now_ns:
            return found
        ask = find_token_holder if kind == "token" else find_sign_in_holder
        self._known.pop(key, None)
        found = await state.run(lambda session: ask(session, secret, now_ns))
        if found is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (self._monotonic() + REMEMBERED_S, found)
        return found

    def forget(self) -> None:
        """Believe nothing that was known: something was revoked."""
        self._known.clear()
