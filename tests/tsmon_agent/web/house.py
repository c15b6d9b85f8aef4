"""A house to get into: an agent whose pages are reached from here, or, by a proxy's word, from elsewhere."""

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio

from tests.tsmon_agent.web.hosts import Shown
from tsmon_agent.auth import Role, audit_entry_to_json, create_token, query_audit
from tsmon_agent.settings import WebSettings
from tsmon_agent.streams.inventory import load_streams, parse_stream_csv
from tsmon_agent.web import WebServer

__all__ = ["NAME", "STRANGER", "House", "bearer", "house"]

STRANGER = {"X-Forwarded-For": "203.0.113.7"}
"""Headers by which a request comes from elsewhere, as the proxy on this machine says, which is believed."""

NAME = "GP03FLMA-RIM01"


class House:
    """An agent with one instrument, and servers with settings of each test's own."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.context = shown.context
        self._open: list[Any] = []

    async def serve(self, **settings: Any) -> aiohttp.ClientSession:
        """A client of a server with these settings; it keeps no cookies."""
        web = WebSettings(port=0, **settings)
        server = WebServer(self.context, web)
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
async def house(shown: Shown) -> AsyncIterator[House]:
    rows = parse_stream_csv(f"{NAME},streamed,ctd,1,60,600\n", shown.context.settings, source="t")
    await shown.context.state.run(lambda s: load_streams(s, rows))
    made = House(shown)
    yield made
    await made.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
