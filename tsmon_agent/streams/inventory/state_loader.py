"""The state that the settings name, with the tables that they load into it; from one reload to the next."""

import asyncio
import logging
from typing import Final

from tsmon.errors import StateUnavailableError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.state.location import state_url
from tsmon_agent.streams.inventory.table_files import InventoryTables, read_tables

__all__ = ["StateLoader"]

_log = logging.getLogger("tsmon")

CLOSE_S: Final = 10.0


class StateLoader:
    """Takes over the state of ``before`` where the new settings name the same database."""

    def __init__(self, settings: Settings, before: "StateLoader | None" = None) -> None:
        self._settings = settings
        self.url: Final = state_url(settings)
        self._shared = before is not None and before.url == self.url
        self.state: Final[State] = before.state if before and before.url == self.url else State(self.url)
        self._tables = InventoryTables()
        self._limited = RateLimitedLog()

    async def start(self) -> None:
        """Open the state and load the tables; what fails leaves nothing changed, and nothing open.

        A database that is away for now keeps nobody from sampling: it is asked again as soon as it is needed, and
        the tables wait.
        """
        try:
            self._tables = read_tables(self._settings)
            if not self._shared:
                await self._open()
            await self.load_tables()
        except BaseException:
            if not self._shared:
                await self.state.close()
            raise

    async def stop(self, after: "StateLoader | None" = None) -> None:
        """Close the state, unless ``after`` has it."""
        if after is not None and after.state is self.state:
            return
        try:
            await asyncio.wait_for(self.state.close(), CLOSE_S)
        except TimeoutError:
            _log.warning("the state's database %s does not answer; its last change may be lost", self.state)

    async def load_tables(self) -> None:
        """Load the tables that wait, if any."""
        if not self._tables:
            return
        try:
            await self.state.run(self._tables.load)
        except StateUnavailableError as error:
            self._limited.warning("tables", f"the tables of streams and deployments wait: {error}")
        else:
            self._tables = InventoryTables()

    async def _open(self) -> None:
        try:
            await self.state.open()
        except StateUnavailableError as error:
            _log.warning("%s; it is asked again as soon as it is needed", error)
