"""An asynchronous function that runs again and again in the background."""

import asyncio
from collections.abc import Awaitable, Callable

from tsmon.scheduling.periodic import Periodic

__all__ = ["PeriodicRound"]


class PeriodicRound:
    """Starts ``function`` every ``period_s`` seconds, and skips a start while the last run continues."""

    def __init__(self, function: Callable[[], Awaitable[None]], period_s: float, *, at_once: bool = False) -> None:
        self._function = function
        self._ticker = Periodic(self.run_soon, period_s, at_once=at_once)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; with ``at_once`` the first run begins now."""
        self._ticker.start()

    def stop(self) -> None:
        """End, and cancel the run that is under way."""
        self._ticker.stop()
        if self._task is not None:
            self._task.cancel()

    def run_soon(self) -> None:
        """Begin a run now, unless one is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def wait(self) -> None:
        """Wait for the end of the run that is under way, if there is one."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def set_period(self, period_s: float) -> None:
        """Change the period."""
        self._ticker.change(period_s)

    async def _run(self) -> None:
        await self._function()
