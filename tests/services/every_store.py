"""Every registered store, new and empty, for the tests that all of them must pass.

Each is built as a program builds it: from a settings file, by the name under which it is registered.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tsmon.settings import load_settings
from tsmon.stores import Store
from tsmon.stores.factory import store_from

if TYPE_CHECKING:
    from tests.services.influxdb import InfluxDB


def sqlite(request: pytest.FixtureRequest) -> str:
    directory = Path(request.getfixturevalue("tmp_path"))
    return f'file = "{directory / "new" / "tsmon.db"}"'


def influxdb(request: pytest.FixtureRequest) -> str:
    server: InfluxDB = request.getfixturevalue("influxdb")
    bucket: str = request.getfixturevalue("bucket")
    return f'url = "{server.url}"\norganization = "{server.org}"\nbucket = "{bucket}"\ntoken = "{server.token}"'


def memory(request: pytest.FixtureRequest) -> str:
    return ""


STORES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "influxdb": influxdb,
    "memory": memory,
    "sqlite": sqlite,
}
"""The settings of each, beside its name."""


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """One store of each kind, open and empty."""
    name: str = request.param
    file = Path(request.getfixturevalue("tmp_path")) / "store.toml"
    file.write_text(f'[monitoring]\nstore = "{name}"\n{STORES[name](request)}\n')
    async with store_from(load_settings(file).monitoring) as opened:
        yield opened
