"""Queries that run at the same time: if one fails, nobody waits for the others, so they are cancelled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["query_together"]


@asynccontextmanager
async def query_together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first failure itself, instead of an exception group.

    A cancelled query closes its connection, and the server ends its work: a report that has failed costs nothing.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
