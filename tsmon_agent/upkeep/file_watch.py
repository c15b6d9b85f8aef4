"""Notices within seconds that a file which the agent has open was deleted or replaced, also when nobody uses it."""

from collections.abc import Awaitable, Callable
from typing import Final

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon_agent.upkeep.periodic_round import PeriodicRound

__all__ = ["FileWatch"]

INTERVAL_S: Final = 2.0


class FileWatch:
    """Calls each of ``checks``, by its name for messages, every few seconds."""

    def __init__(self, checks: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self._checks = checks
        self._log = RateLimitedLog()
        self._round = PeriodicRound(self.run, INTERVAL_S)

    def start(self) -> None:
        """Begin."""
        self._round.start()

    def stop(self) -> None:
        """End."""
        self._round.stop()

    async def run(self) -> None:
        """Check once; log a failure."""
        for name, check in self._checks.items():
            try:
                await check()
            except (TsmonError, OSError) as error:
                self._log.warning(name, f"the {name} cannot be checked: {describe_error(error)}")
