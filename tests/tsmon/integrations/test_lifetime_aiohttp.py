"""The life of a Monitor with aiohttp applications."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from tests.services.own_store import OwnStore
from tests.tsmon.integrations.applications import count_requests, plain
from tsmon import Monitor
from tsmon.integrations.aiohttp import instrument

__all__ = ["aiohttp_app", "serve_once"]


def aiohttp_app(monitor: Monitor) -> web.Application:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/hello", hello)
    instrument(app, monitor)
    return app


async def serve_once(app: web.Application) -> None:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/hello") as answer,
    ):
        assert answer.status == 200
    await runner.cleanup()


def test_one_monitor_lives_with_one_aiohttp_application_after_the_other() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    for turn in range(1, 4):
        asyncio.run(serve_once(aiohttp_app(monitor)))
        assert count_requests(store) == turn


async def test_the_cleanup_contexts_of_an_aiohttp_application_may_run_twice() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    [context] = aiohttp_app(monitor).cleanup_ctx
    for _ in range(2):
        running = context(web.Application())
        await anext(running)  # type: ignore[arg-type]
        assert monitor.is_running
        with pytest.raises(StopAsyncIteration):
            await anext(running)  # type: ignore[arg-type]
        assert not monitor.is_running
