"""Who sends slowly on purpose is not waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["soon"]

BODY_S = 30.0
"""How long the body of a request may take, in seconds."""


@asynccontextmanager
async def soon() -> AsyncIterator[None]:
    """Raise 408 where what is read within takes longer; the connection is then closed."""
    try:
        async with asyncio.timeout(BODY_S):
            yield
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text=f"The body did not arrive within {BODY_S:.0f} seconds; send it faster, or in parts.",
            headers={"Connection": "close"},
        ) from None
