"""A state on each database."""

from collections.abc import Iterator

import pytest

from tsmon_agent.state import Database


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    with Database(state_url) as opened:
        yield opened
