"""An agent whose pages are requested from this machine, or, as a trusted proxy says, from elsewhere."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest_asyncio

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.auth import Role, audit_entry_to_json, create_token, query_audit
from tsmon_agent.settings import WebSettings
from tsmon_agent.streams.inventory import load_streams, parse_stream_csv
from tsmon_agent.web import WebServer
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.registry import HANDLERS

__all__ = ["NAME", "STRANGER", "GuardedAgent", "bearer", "guarded"]

STRANGER = {"X-Forwarded-For": "203.0.113.7"}
"""Headers of a request from elsewhere through a proxy on this machine, which is trusted."""

NAME = "GP03FLMA-RIM01"


class GuardedAgent:
    """An agent with one instrument, and servers with the settings of each test."""

    def __init__(self, served: ServedAgent) -> None:
        self.served = served
        self.context = served.context
        self._open: list[Any] = []

    async def serve(
        self, *, handlers: Sequence[type[Handlers]] = HANDLERS, **settings: Any
    ) -> aiohttp.ClientSession:
        """A client of a server with these settings; it keeps no cookies."""
        web = WebSettings(port=0, **settings)
        server = WebServer(self.context, web, handlers)
        await server.start()
        client = aiohttp.ClientSession(
            server.address.removesuffix(web.base_path), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._open += [client.close, server.stop]
        return client

    async def token(self, *roles: str, name: str = "", expires_ns: int | None = None) -> str:
        """A token with these roles."""
        name = name or "-".join(roles)
        return await self.context.state.run(
            lambda s: create_token(s, name, map(Role, roles), now_ns=time.time_ns(), expires_ns=expires_ns)
        )

    async def audit(self) -> list[dict[str, Any]]:
        """The newest entries."""
        return await self.context.state.run(
            lambda s: [audit_entry_to_json(one) for one in query_audit(s, most=100)]
        )

    async def close(self) -> None:
        for close in self._open:
            await close()


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(served: ServedAgent) -> AsyncIterator[GuardedAgent]:
    rows = parse_stream_csv(f"{NAME},streamed,ctd,1,60,600\n", served.context.settings, source="t")
    await served.context.state.run(lambda s: load_streams(s, rows))
    made = GuardedAgent(served)
    yield made
    await made.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
