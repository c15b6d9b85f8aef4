"""A real agent with a real store, whose rounds the tests publish, and a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.services.browser import running
from tests.tsmon_agent.web.guarded_agent import guarded
from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.agent import Agent
from tsmon_agent.settings import Settings
from tsmon_agent.web import WebServer

__all__ = ["browser", "guarded", "served", "settings"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an agent on a free port, with a store of its own."""
    return Settings.model_validate(
        {
            "monitoring": {"store": "sqlite", "file": tmp_path / "tsmon.db", "flushing_period": 0.2},
            "agent": {"host": "athena", "interval": 10},
            "web": {"port": 0},
        }
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of the pages share an event loop, since they share a browser, which takes seconds to start."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of the test run; each visit has a context of its own."""
    async with running() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def served(settings: Settings) -> AsyncIterator[ServedAgent]:
    """An agent with its pages that does not sample: it shows the rounds that the test publishes."""
    agent = Agent(settings)
    await agent.context.monitor.start()
    server = WebServer(agent.context, settings.web)
    try:
        await server.start()
        async with aiohttp.ClientSession(server.address) as client:
            yield ServedAgent(agent, server, client)
    finally:
        await server.stop()
        agent.context.sampling.stop()
        await agent.context.monitor.stop()
        await agent.context.state.close()
