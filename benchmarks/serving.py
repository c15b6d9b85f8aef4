"""One timed round of requests to an aiohttp application, without sockets: routing, middleware, handler."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from benchmarks.rounds import Figures

__all__ = ["Finish", "serve"]

ROUTES: Final = 20
MADE: Final = 15 * ROUTES

Finish = Callable[[], int | Awaitable[int]]
"""Called at the end: how many requests were recorded."""


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="fine")


def application(make: Callable[[], web.Application] | None = None) -> web.Application:
    """Application of some routes with a parameter each."""
    app = (make or web.Application)()
    for number in range(ROUTES):
        app.router.add_get(f"/resource{number}/{{key}}", _answer)
    return app


async def serve(app: web.Application, requests: int, finish: Finish | None = None) -> Figures:
    """CPU time in µs a request of ``app``; checks that all were recorded."""
    app.freeze()
    await app.startup()
    # Making a request as the server does costs a hundred times what is measured; so the same come again.
    made = [make_mocked_request("GET", f"/resource{number % ROUTES}/{number}", app=app) for number in range(MADE)]
    handle = app._handle  # noqa: SLF001
    for request in made:
        await handle(request)
    gc.collect()
    laps = max(1, requests // MADE)
    started_s = time.process_time()
    for _ in range(laps):
        for request in made:
            await handle(request)
    cpu_s = time.process_time() - started_s
    if finish is not None:
        recorded = finish()
        assert (recorded if isinstance(recorded, int) else await recorded) >= laps * MADE
    await app.cleanup()
    return {"us_per_request": cpu_s / (laps * MADE) * 1e6}


def bare(requests: int) -> Figures:
    """Nobody records anything."""
    return asyncio.run(serve(application(), requests))
