"""Something to be done at a fixed interval, by the monotonic clock: a wall clock that is set changes nothing."""

import asyncio
import math
from collections.abc import Callable

__all__ = ["Ticker"]


class Ticker:
    """Calls ``action`` on the event loop every ``interval_s`` seconds, in step with the first call.

    Calls that were missed, since the loop was held up, are not made up for.
    """

    def __init__(self, interval_s: float, action: Callable[[], object]) -> None:
        self._interval_s = interval_s
        self._action = action
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Make the first call now; the others follow."""
        self._due_s = asyncio.get_running_loop().time()
        self._tick()

    def stop(self) -> None:
        """Make no more calls; safe to call more than once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        passed = math.floor((loop.time() - self._due_s) / self._interval_s)
        self._due_s += (max(passed, 0) + 1) * self._interval_s
        # Before the action, so that one that raises (the loop logs it) is not the last.
        self._timer = loop.call_at(self._due_s, self._tick)
        self._action()
