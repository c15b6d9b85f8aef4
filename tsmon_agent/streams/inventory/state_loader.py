"""The state that the settings name, and the tables that they load into it, from one reload to the next."""

import asyncio
import logging
from typing import Final

from tsmon.errors import StateUnavailableError
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.state.location import running_state_url
from tsmon_agent.streams.inventory.table_files import TableFile, read_tables

__all__ = ["StateLoader"]

_log = logging.getLogger("tsmon")

CLOSE_S: Final = 10.0


class StateLoader:
    """Opens the state and loads the tables; takes over the state of ``before`` if the database is the same."""

    def __init__(self, settings: Settings, before: "StateLoader | None" = None) -> None:
        self._settings = settings
        self.url: Final = running_state_url(settings)
        self._shared = before is not None and before.url == self.url
        self.state: Final[State] = before.state if before and before.url == self.url else State(self.url)
        self._waiting: list[TableFile] = []
        self._limited = RateLimitedLog()

    @property
    def waits(self) -> bool:
        """Whether tables wait for a state that is unavailable."""
        return bool(self._waiting)

    async def start(self) -> None:
        """Open the state and load the tables; if that fails, nothing is changed and nothing stays open.

        A database that is unavailable does not stop the agent from sampling: it is opened as soon as it is needed,
        and the tables wait.
        """
        try:
            self._waiting = read_tables(self._settings)
            if not self._shared:
                await self._open()
            await self.load_tables()
        except BaseException:
            if not self._shared:
                await self.state.close()
            raise

    async def stop(self, after: "StateLoader | None" = None) -> None:
        """Close the state, unless ``after`` uses it."""
        if after is not None and after.state is self.state:
            return
        try:
            await asyncio.wait_for(self.state.close(), CLOSE_S)
        except TimeoutError:
            _log.warning("the state's database %s does not respond; its last change may be lost", self.state)

    async def load_tables(self) -> None:
        """Load the tables that wait, all in one transaction."""
        tables = self._waiting
        if not tables:
            return
        try:
            results = await self.state.run(lambda session: [table.load(session) for table in tables])
        except StateUnavailableError as error:
            self._limited.warning("tables", f"the tables of streams and deployments wait: {error}")
            return
        for table, result in zip(tables, results, strict=True):
            _log.info("%s: %s: %s", table.file, table.content, result)
        self._waiting = []

    async def _open(self) -> None:
        try:
            await self.state.open()
        except StateUnavailableError as error:
            _log.warning("%s; it is opened as soon as it is needed", error)
