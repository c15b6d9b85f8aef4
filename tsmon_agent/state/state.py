"""The state's database for event loops: transactions run on a thread of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy.orm import Session

from tsmon.errors import StateError
from tsmon_agent.state.database import Database

__all__ = ["State"]

T = TypeVar("T")


class State:
    """What people edit, in the database that ``url`` names; an asynchronous context manager, or open and close it.

    ``url`` is as for :class:`Database`. One transaction runs at a time; the event loop never waits for it.
    """

    def __init__(self, url: str | Path) -> None:
        self._database = Database(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tsmon-state")
        self._closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._database)!r})"

    def __str__(self) -> str:
        return str(self._database)

    async def open(self) -> None:
        """Connect, and upgrade the schema, see :meth:`Database.open`; if that fails, :meth:`run` tries it again."""
        await self._call(self._database.open)

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in one transaction and return its result; see :meth:`Database.run`.

        A call that is cancelled still runs to its end, in the background.
        """
        return await self._call(lambda: self._database.run(work))

    async def verify(self) -> None:
        """Notice whether a SQLite file was deleted or replaced; see :meth:`Database.verify`."""
        await self._call(self._database.verify)

    async def close(self) -> None:
        """Wait for the running transaction, and release everything; idempotent."""
        if not self._closed:
            closing = self._call(self._database.close)
            self._closed = True
            await closing
            self._thread.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        """Open; if that fails, nothing stays open."""
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    def _call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        if self._closed:
            raise StateError(f"{self} is closed")
        return asyncio.get_running_loop().run_in_executor(self._thread, function)
