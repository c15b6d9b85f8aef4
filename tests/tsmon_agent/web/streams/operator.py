"""A client that may operate: it changes expected streams and deployments over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.auth import Role, create_token, query_audit
from tsmon_agent.streams.inventory import query_streams

__all__ = ["CSV", "NAME", "ONE", "TABLE", "Operator", "operator"]

NAME = "GP03FLMA-RIM01"
TABLE = f"{NAME},streamed,ctd,1,10m,1h\n{NAME},telemetered,ctd,0.01,,\nCE01-PAR,streamed,par,,,\n"
ONE = f"/expected/{NAME}/streamed/ctd"
CSV = {"Content-Type": "text/csv"}


class Operator:
    """Sends requests with a token that may operate."""

    def __init__(self, served: ServedAgent, token: str) -> None:
        self.served = served
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __call__(
        self, method: str, path: str, body: Any = None, status: int = 200, *, csv: str | None = None
    ) -> Any:
        carried: dict[str, Any] = {"json": body} if body is not None else {}
        if csv is not None:
            carried = {"data": csv.encode()}
        headers = {**self._headers, **(CSV if csv is not None else {})}
        async with self.served.client.request(method, path, headers=headers, **carried) as response:
            text = await response.text()
            assert response.status == status, text
            self.location = response.headers.get("Location")
            return await response.json() if response.content_type == "application/json" else text

    async def stored(self) -> list[str]:
        found = await self.served.context.state.run(query_streams)
        return [f"{one.method} {one.stream} {one.expected_rate} {one.enabled}" for one in found]

    async def actions(self) -> list[tuple[str, str | None]]:
        found = await self.served.context.state.run(lambda s: query_audit(s, most=50))
        return [(one.action, one.target) for one in reversed(found)]


@pytest_asyncio.fixture(loop_scope="session")
async def operator(served: ServedAgent) -> AsyncIterator[Operator]:
    token = await served.context.state.run(lambda s: create_token(s, "ops", [Role.OPERATE], now_ns=1))
    yield Operator(served, token)
