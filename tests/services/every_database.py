"""Every database that the state may be kept in, new and empty, for the tests that all of them must pass."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.services.postgresql import PostgreSQL

__all__ = ["DATABASES", "state_url"]


def sqlite(request: pytest.FixtureRequest) -> str:
    directory = Path(request.getfixturevalue("tmp_path"))
    return f"sqlite:///{directory / 'new' / 'state.db'}"


def postgresql(request: pytest.FixtureRequest) -> str:
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.url(server.new_database())


DATABASES: dict[str, Callable[[pytest.FixtureRequest], str]] = {"postgresql": postgresql, "sqlite": sqlite}


@pytest.fixture(params=sorted(DATABASES))
def state_url(request: pytest.FixtureRequest) -> str:
    """URL of one database of each kind, in which nothing is yet."""
    return DATABASES[request.param](request)
