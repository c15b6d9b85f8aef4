"""State and store for commands that read them while the agent runs."""

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tsmon.stores import Store
    from tsmon_agent.settings import Settings
    from tsmon_agent.state import State

__all__ = ["open_for_reading"]


@asynccontextmanager
async def open_for_reading(settings: "Settings") -> "AsyncIterator[tuple[State, Store]]":
    """Open the state, and the store read-only: the agent may be writing it."""
    from tsmon.stores.factory import store_from
    from tsmon_agent.state import State
    from tsmon_agent.state.location import state_url

    store = store_from(settings.monitoring, embedded=True).reader()
    async with State(state_url(settings)) as state, store:
        yield state, store
