"""Looks up tokens and sign-ins in the state, and caches valid ones for a second."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from tsmon_agent.auth import Holder, find_sign_in_holder, find_token_holder

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Credentials"]

CACHED_S: Final = 1.0
"""A page requests a dozen files at once. What another process revokes is refused after this at the latest."""

MOST: Final = 1_000

Kind = Literal["token", "sign-in"]


class Credentials:
    """Finds the holder of a secret in the state."""

    def __init__(
        self,
        context: "AgentContext",
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._clock = clock
        self._monotonic = monotonic
        self._cache: dict[tuple[object, Kind, str], tuple[float, Holder]] = {}

    async def find_holder(self, kind: Kind, secret: str) -> Holder | None:
        """The holder of a secret; None for one that is unknown, revoked or expired.

        Raises :class:`~tsmon.errors.StateError`.
        """
        state = self._context.state
        key = (state, kind, secret)
        now_ns = self._clock()
        until, found = self._cache.get(key, (0.0, None))
        if found is not None and self._monotonic() < until and (found.expires_ns or now_ns + 1) > now_ns:
            return found
        find = find_token_holder if kind == "token" else find_sign_in_holder
        self._cache.pop(key, None)
        found = await state.run(lambda session: find(session, secret, now_ns))
        if found is not None:
            if len(self._cache) >= MOST:
                self._cache.clear()
            self._cache[key] = (self._monotonic() + CACHED_S, found)
        return found

    def clear_cache(self) -> None:
        """Empty the cache, as something was revoked."""
        self._cache.clear()
