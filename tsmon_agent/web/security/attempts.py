"""How often a client may fail to sign in."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

__all__ = ["Attempts"]

AT_ONCE: Final = 10
EVERY_S: Final = 6.0
MOST_CLIENTS: Final = 10_000


class Attempts:
    """Lets each client fail ten times in a row, then once every six seconds; successes do not count.

    Nobody can guess a token anyway: this keeps those who try from costing much and from filling the audit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Seconds until this client may try again; 0 where it may."""
        return max(self._free_at.get(client, 0.0) - self._clock() - (AT_ONCE - 1) * EVERY_S, 0.0)

    def record_failure(self, client: str) -> None:
        """Count a failure."""
        self._free_at[client] = max(self._free_at.get(client, 0.0), self._clock()) + EVERY_S
        self._free_at.move_to_end(client)
        if len(self._free_at) > MOST_CLIENTS:
            self._free_at.popitem(last=False)
