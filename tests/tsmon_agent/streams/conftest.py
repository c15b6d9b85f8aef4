"""Open states, for tests of their contents."""

from collections.abc import Callable, Iterator

import pytest

from tsmon_agent.state import Base, Database

__all__ = ["database", "two_empty"]

Two = Callable[[], tuple[Database, Database]]


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """One on each kind of database, open and empty."""
    with Database(state_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def two_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Two open states, emptied by each call: for the many examples of one test."""
    directory = tmp_path_factory.mktemp("state")
    with Database(directory / "one.db") as one, Database(directory / "other.db") as other:

        def emptied() -> tuple[Database, Database]:
            for database in (one, other):
                for table in reversed(Base.metadata.sorted_tables):
                    database.run(lambda session, table=table: session.execute(table.delete()))
            return one, other

        yield emptied
