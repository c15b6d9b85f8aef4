"""Every store, new and empty, for the tests that all of them must pass."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.memory import MemoryStore
from tsmon.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.services.influxdb import InfluxDB


@asynccontextmanager
async def sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    directory = Path(request.getfixturevalue("tmp_path"))
    async with SqliteStore(directory / "new" / "tsmon.db") as store:
        yield store


@asynccontextmanager
async def influxdb(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    server: InfluxDB = request.getfixturevalue("influxdb")
    bucket: str = request.getfixturevalue("bucket")
    connection = InfluxConnection(url=server.url, org=server.org, bucket=bucket, token=server.token)
    async with InfluxStore(connection) as store:
        yield store


@asynccontextmanager
async def memory(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    async with MemoryStore() as store:
        yield store


STORES: dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Store]]] = {
    "influxdb": influxdb,
    "memory": memory,
    "sqlite": sqlite,
}


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """One store of each kind, open and empty."""
    async with STORES[request.param](request) as opened:
        yield opened
