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
"""Called at the end; returns the number of recorded requests."""


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="fine")


def application(make: Callable[[], web.Application] | None = None) -> web.Application:
    """An application whose routes have one parameter each."""
    app = (make or web.Application)()
    for number in range(ROUTES):
        app.router.add_get(f"/resource{number}/{{key}}", _answer)
    return app


async def serve(app: web.Application, requests: int, finish: Finish | None = None) -> Figures:
    """CPU time per request of ``app``, in µs; checks that all requests were recorded."""
    app.freeze()
    await app.startup()
    # Creating a request costs a hundred times what is measured, so the same requests are used again.
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
    """One round without middleware."""
    return asyncio.run(serve(application(), requests))
