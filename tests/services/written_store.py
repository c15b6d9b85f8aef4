"""A file of the embedded store that another part of this process is writing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsmon.stores.sqlite import SqliteStore

__all__ = ["written_store"]


@contextmanager
def written_store(path: Path, lines: bytes) -> Iterator[None]:
    """The file at ``path`` is open for writing, and has these lines."""
    with asyncio.Runner() as runner:
        store = SqliteStore(path)
        runner.run(store.open())
        runner.run(store.write(lines))
        yield
        runner.run(store.close())
