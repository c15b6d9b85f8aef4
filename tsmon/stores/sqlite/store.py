"""The embedded store: the asynchronous face of one SQLite file."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from tsmon.errors import StoreError, StoreRefusedError
from tsmon.stores.base import Bin, Count, Newest, Retention, Selector, Series, Store, Values, WindowedSpan
from tsmon.stores.rollup_tiers import RollupTier, validate_tiers
from tsmon.stores.sqlite import maintenance, reader
from tsmon.stores.sqlite.database import Database
from tsmon.stores.sqlite.retention import RetentionRun
from tsmon.stores.sqlite.rollups import mark_all, marked_s

__all__ = ["SqliteStore"]

T = TypeVar("T")


class SqliteStore(Store):
    """Lines in one SQLite file: nothing to install, a commit is its durability.

    One process writes a file; others may read it with ``read_only=True`` meanwhile. Writing and reading each
    have a thread of their own, so that neither waits for the other, and the event loop for neither. A file
    that is damaged is renamed to ``<name>.damaged-<time>``, which is logged, and a new one is begun.

    ``tiers`` are the windows in which rollups are kept, from which questions about many points are
    answered as exactly, and means to the last digits; None leaves those that the file has.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, read_only: bool = False, tiers: Iterable[RollupTier] | None = None
    ) -> None:
        self.path = Path(path)
        self.tiers = None if tiers is None else validate_tiers(tiers)
        self.read_only = read_only
        self._database: Database | None = None
        self._pid = 0
        self._writing: ThreadPoolExecutor | None = None
        self._reading: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r}{', read_only=True' if self.read_only else ''})"

    def __str__(self) -> str:
        return f"SQLite file {self.path}"

    async def open(self) -> None:
        """Open the file; where it is missing, make it and its directory (for this user alone).

        Raises :class:`~tsmon.errors.StoreUnavailableError` where another process writes it, or file system or
        permissions are in the way, :class:`~tsmon.errors.StoreError` where the file is another program's, or
        was written by a newer version.
        """
        if self._database is not None:
            raise StoreError(f"{self.path} is open already")
        database = Database(self.path, read_only=self.read_only, tiers=self.tiers)
        self._writing = ThreadPoolExecutor(1, "tsmon-sqlite-write")
        self._reading = ThreadPoolExecutor(1, "tsmon-sqlite-read")
        self._database, self._pid = database, os.getpid()
        try:
            await self._in_turn(self._writing, database.open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish the writes that wait, break off what is being read, close the file."""
        database, self._database = self._database, None
        if database is None or self._pid != os.getpid():
            return
        assert self._writing is not None
        assert self._reading is not None
        try:
            await self._in_turn(self._writing, database.close)
        finally:
            self._writing.shutdown(wait=False)
            self._reading.shutdown(wait=False)

    async def check(self) -> None:
        """Ask whether the file could be written now; see :meth:`Store.check`. Makes it where it is missing."""
        if self._database is None:
            async with self:
                await self.check()
            return
        await self._in_turn(self._writing, partial(self._opened().write, b""))

    async def write(self, lines: bytes) -> None:
        """Store lines in one transaction; see :meth:`Store.write`.

        A line without a time gets that of the write. Points are refused singly: for a line that is no line
        protocol, a type other than the field's first, an unsigned number beyond a signed one's range, or more
        fields than a table has columns.
        """
        database = self._opened()
        refusals = await self._in_turn(self._writing, partial(database.write, lines))
        if refusals.count:
            raise StoreRefusedError(
                f"{self.path} refused {refusals.count} of the points and stored the others; {refusals.first}",
                lines=refusals.count,
            )

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`."""
        return (await self.bins_of_spans(selector, [WindowedSpan(start_ns, stop_ns, every_ns)]))[0]

    async def bins_of_spans(self, selector: Selector, spans: Iterable[WindowedSpan]) -> list[list[Bin]]:
        """See :meth:`Store.bins_of_spans`; all from one snapshot."""
        asked = [span._replace(every_ns=_positive(span.every_ns)) for span in spans]
        return await self._ask(lambda connection: reader.bins_of_spans(connection, selector, asked))

    async def windows(
        self, selectors: Sequence[Selector], *, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """See :meth:`Store.windows`; all from one snapshot, None where there are no rollups of just this width."""
        span = WindowedSpan(start_ns, stop_ns, _positive(every_ns))
        return await self._ask(lambda connection: reader.windows(connection, selectors, span))

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        return await self._ask(lambda connection: reader.newest(connection, selector))

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`; raises :class:`~tsmon.errors.StoreRefusedError` for a field without means."""
        return await self._ask(
            lambda connection: reader.series(connection, selector, start_ns, stop_ns, _positive(every_ns))
        )

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        return await self._ask(lambda connection: reader.values(connection, selector, start_ns, stop_ns))

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """See :meth:`Store.counts`; from rollups where they are."""
        return await self._ask(lambda connection: reader.counts(connection, selector, start_ns, stop_ns))

    async def retention(self, measurement: str) -> list[Retention]:  # noqa: ARG002
        """See :meth:`Store.retention`; it is the same for all measurements."""
        return await self._ask(reader.retention)

    async def change_tiers(self, tiers: Iterable[RollupTier]) -> None:
        """Keep these rollups from now on; new ones are computed from what is there by the next refresh."""
        database = self._opened()
        self.tiers = validate_tiers(tiers)
        await self._in_turn(self._writing, partial(database.change_tiers, self.tiers))

    async def refresh_rollups(self) -> None:
        """Recompute the rollups that writes have touched. Answers are exact without it, but slower."""
        database = self._opened()
        while await self._in_turn(self._writing, database.refresh):
            pass

    async def rebuild_rollups(self, done: Callable[[int, int], None] = lambda *_: None) -> None:
        """Compute all rollups again from the points that are there; those whose points have gone stay as they are.

        ``done`` is told how many seconds of series are done, and how many there are.
        """
        database = self._opened()
        await self._in_turn(self._writing, partial(database.change, mark_all))
        whole = await self._ask(marked_s)
        while await self._in_turn(self._writing, database.refresh):
            done(whole - await self._ask(marked_s), whole)

    async def apply_retention(self, keep_ns: int | None, *, now_ns: int | None = None) -> int:
        """Remove points older than ``keep_ns`` nanoseconds before now (None: none), and old rollups.

        Returns how many rows of points went. Series and measurements that lose their last point and rollup go
        too, and the space returns to the file system. Done in small steps, between which writes come in.
        """
        database = self._opened()
        retention = RetentionRun(
            time.time_ns() if now_ns is None else now_ns, None if keep_ns is None else _positive(keep_ns)
        )
        while await self._in_turn(self._writing, partial(database.change, retention.step)):
            pass
        return retention.deleted

    async def size(self) -> maintenance.FileSize:
        """Size of the file; reads all of it, in a thread of its own."""
        self._opened()
        return await asyncio.to_thread(maintenance.measure, self.path)

    def _opened(self) -> Database:
        if self._database is None:
            raise StoreError(f"{self.path} is not open; use the store as `async with`, or call open() first")
        if self._pid != os.getpid():
            raise StoreError(
                f"{self.path} was opened by process {self._pid}, of which this one is a fork; "
                "make a store of its own after the fork"
            )
        return self._database

    async def _ask(self, question: Callable[..., T]) -> T:
        return await self._in_turn(self._reading, partial(self._opened().read, question))

    @staticmethod
    async def _in_turn(executor: ThreadPoolExecutor | None, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, function)


def _positive(duration_ns: int) -> int:
    if duration_ns <= 0:
        raise ValueError(f"a duration of {duration_ns} ns is not positive")
    return duration_ns
