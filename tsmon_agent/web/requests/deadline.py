"""How long a request may take to send its body: nobody occupies the agent by sending slowly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

__all__ = ["body_deadline"]

BODY_S = 30.0
"""In seconds."""


@asynccontextmanager
async def body_deadline() -> AsyncIterator[None]:
    """Raise 408 where reading the body takes too long; the connection is then closed."""
    try:
        async with asyncio.timeout(BODY_S):
            yield
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text=f"The body did not arrive within {BODY_S:.0f} seconds; send it faster, or in parts.",
            headers={"Connection": "close"},
        ) from None
