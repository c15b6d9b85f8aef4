"""The embedded store: the asynchronous interface of one SQLite file."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.files.disk_thread import HANG_S, DiskThread
from tsmon.stores.base import Store
from tsmon.stores.query_types import Bin, Count, Newest, Retention, Selector, Series, Values, WindowedSpan
from tsmon.stores.retention_clock import read_clocks
from tsmon.stores.retention_policy import ReportRemoved, RetentionPolicy, RetentionStatus, ignore_removed
from tsmon.stores.rollup_tiers import RollupTier, validate_tiers
from tsmon.stores.setup_change import ReportProgress, ignore_progress
from tsmon.stores.sqlite import maintenance, reader
from tsmon.stores.sqlite.database import Database, FileReplacedError
from tsmon.stores.sqlite.file_location import check_place, embedded_file
from tsmon.stores.sqlite.retention import (
    RetentionRun,
    change_beside,
    confirm,
    confirm_clock,
    keep_streams,
    observe_clock,
    read_status,
    read_unopened,
    release_streams,
    request_drop,
    settle,
)
from tsmon.stores.sqlite.rollups import count_marked_s, mark_all
from tsmon.stores.sqlite.shared_database import SharedDatabase
from tsmon.stores.sqlite.unopened_check import check_unopened
from tsmon.stores.store_copy import StagedPoints, StoreCopy

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["SqliteStore"]

T = TypeVar("T")

_log = logging.getLogger("tsmon")

OPEN_S: Final = 30.0
CLOSE_S: Final = 30.0
"""Limits for a disk that hangs."""


class SqliteStore(Store):
    """Lines in one SQLite file: nothing to install, durable with each commit.

    One process writes a file; others may read it meanwhile with ``read_only=True``, or hand over lines, see
    :meth:`open_shared`. Writing and reading have a
    thread each, so that neither waits for the other, nor the event loop for them. A damaged file is renamed to
    ``<name>.damaged-<time>``, which is logged, and what can be read of it is recovered into a new one. A file that
    is deleted or replaced is noticed at the next use.

    ``tiers`` are those of the rollups, from which queries about many points are answered: bins and counts exactly,
    means to the last digits. None leaves the tiers that the file has.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, read_only: bool = False, tiers: Iterable[RollupTier] | None = None
    ) -> None:
        self.path = Path(path)
        """The file."""
        self._tiers = None if tiers is None else validate_tiers(tiers)
        self._read_only = read_only
        self._database: Database | None = None
        self._pid = 0
        self._writing: DiskThread | None = None
        self._reading: DiskThread | None = None
        self._is_fork = False
        self._recovering: asyncio.Task[None] | None = None
        self._on_taken_in: Callable[[int, int], None] = lambda *_: None

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r}{', read_only=True' if self._read_only else ''})"

    def __str__(self) -> str:
        return f"SQLite file {self.path}"

    @classmethod
    def from_settings(cls, settings: "MonitoringSettings", *, tiers: Iterable[RollupTier] | None = None) -> Self:
        """See :meth:`Store.from_settings`."""
        check_place(settings)
        return cls(embedded_file(settings), tiers=tiers)

    @classmethod
    def settings_key(cls, settings: "MonitoringSettings") -> tuple[object, ...]:
        """See :meth:`Store.settings_key`; the lock of the file refuses a second store for the same file."""
        return (settings.file,)

    def reader(self) -> "SqliteStore":
        """See :meth:`Store.reader`."""
        return SqliteStore(self.path, read_only=True, tiers=self._tiers)

    async def open(self) -> None:
        """Open the file; create it if it is missing, and its directory too (with access for this user only).

        Raises :class:`~tsmon.errors.StoreUnavailableError` if another process writes it, or if the file system or
        permissions prevent it; :class:`~tsmon.errors.StoreError` if the file belongs to another program or was
        written by a newer version.
        """
        await self._open(Database(self.path, read_only=self._read_only, tiers=self._tiers))

    async def open_shared(self) -> None:
        """See :meth:`Store.open_shared`: if another process writes the file, hand lines over to it.

        They count as written then, since they are on disk, in a directory beside the file. The other process
        stores them at its next flush, or this one does if that has ended. A store with ``tiers`` needs the file
        for itself, since it keeps the rollups.
        """
        if self._read_only or (self._tiers is not None and not self._is_fork):
            await self.open()
        else:
            await self._open(SharedDatabase(self.path, tiers=None, on_taken_in=self._count_taken_in))

    async def take_in(self) -> None:
        """See :meth:`Store.take_in`."""
        if self._database is not None:
            await self._in_turn(self._writing, self._database.take_in)
            self._recover_soon()

    def count_taken_in(self, count: Callable[[int, int], None]) -> None:
        """See :meth:`Store.count_taken_in`."""
        self._on_taken_in = count

    def after_fork(self) -> None:
        """See :meth:`Store.after_fork`."""
        if self._pid not in (0, os.getpid()):
            if self._database is not None:
                self._database.forget_after_fork()
            self._database = self._writing = self._reading = self._recovering = None
            self._is_fork = True

    def back_up(self, directory: Path, report: ReportProgress = ignore_progress) -> StoreCopy:
        """See :meth:`Store.back_up`."""
        from tsmon.stores.sqlite.backups import back_up

        return back_up(self.path, directory, report)

    def stage_restore(self, directory: Path, *, replace: bool) -> StagedPoints:
        """See :meth:`Store.stage_restore`; refused while another process writes the file."""
        from tsmon.stores.sqlite.backups import stage

        return stage(self.path, directory, replace=replace)

    async def close(self) -> None:
        """Finish waiting writes, interrupt queries, close the file."""
        database, self._database = self._database, None
        if database is None or self._pid != os.getpid():
            return
        assert self._writing is not None
        if self._recovering is not None:
            self._recovering.cancel()
        try:
            # What is cancelled and does not end will not end soon; otherwise closing may take long.
            async with asyncio.timeout(HANG_S if self._writing.is_busy else CLOSE_S):
                await self._in_turn(self._writing, database.close)
        except TimeoutError:
            _log.warning("%s is left open: the disk does not answer", self.path)
        finally:
            self._end_threads()

    async def check(self) -> str | None:
        """See :meth:`Store.check`; a file that is not open is not changed, and a missing one is not created."""
        if self._database is None:
            return await asyncio.to_thread(check_unopened, self.path)
        await self._in_turn(self._writing, partial(self._require_open().write, b""))
        return None

    async def write(self, lines: bytes) -> None:
        """See :meth:`Store.write`; all lines go into one transaction.

        A line without a time gets the time of the write. Points are refused individually: for a line that is not
        line protocol, another type than the field's first, an unsigned number beyond the signed range, or more
        fields than a table has columns.
        """
        database = self._require_open()
        refusals = await self._in_turn(self._writing, partial(database.write, lines))
        self._recover_soon()
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
        wanted = [span._replace(every_ns=_check_positive(span.every_ns)) for span in spans]
        return await self._query(lambda connection: reader.bins_of_spans(connection, selector, wanted))

    async def windows(
        self, selectors: Sequence[Selector], *, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """See :meth:`Store.windows`; all from one snapshot. None if there are no rollups of exactly this width."""
        span = WindowedSpan(start_ns, stop_ns, _check_positive(every_ns))
        return await self._query(lambda connection: reader.windows(connection, selectors, span))

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        return await self._query(lambda connection: reader.newest(connection, selector))

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`; raises :class:`~tsmon.errors.StoreRefusedError` for strings and booleans."""
        return await self._query(
            lambda connection: reader.series(connection, selector, start_ns, stop_ns, _check_positive(every_ns))
        )

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        return await self._query(lambda connection: reader.values(connection, selector, start_ns, stop_ns))

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """See :meth:`Store.counts`; from rollups as far as they reach."""
        return await self._query(lambda connection: reader.counts(connection, selector, start_ns, stop_ns))

    async def retention(self, measurement: str, tags: Mapping[str, str] | None = None) -> list[Retention]:
        """See :meth:`Store.retention`."""
        return await self._query(lambda connection: reader.retention(connection, measurement, tags or {}))

    async def change_tiers(self, tiers: Iterable[RollupTier]) -> None:
        """See :meth:`Store.change_tiers`; the next refresh computes new tiers from what is stored."""
        database = self._require_open()
        self._tiers = validate_tiers(tiers)
        await self._in_turn(self._writing, partial(database.change_tiers, self._tiers))

    async def refresh_rollups(self) -> None:
        """See :meth:`Store.refresh_rollups`; queries are exact without it, but slower."""
        database = self._require_open()
        while await self._in_turn(self._writing, database.refresh):
            pass

    async def rebuild_rollups(
        self,
        measurements: Sequence[str] = (),
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
        report: ReportProgress = ignore_progress,
    ) -> Mapping[str, int]:
        """See :meth:`Store.rebuild_rollups`; always rebuilds everything, and reports seconds of series."""
        if measurements or start_ns is not None or stop_ns is not None:
            raise StoreError(f"{self} is rebuilt whole; leave out measurements, start and end")
        database = self._require_open()
        await self._in_turn(self._writing, partial(database.change, mark_all))
        total = await self._query(count_marked_s)
        while await self._in_turn(self._writing, database.refresh):
            report("rollups", total - await self._query(count_marked_s), total)
        return {}

    async def keep_streams(self, selectors: Iterable[Selector]) -> None:
        """See :meth:`Store.keep_streams`; the file remembers them."""
        wanted = list(selectors)
        await self._in_turn(
            self._writing,
            partial(self._require_open().change, lambda connection, _: keep_streams(connection, wanted)),
        )

    async def settle_retention(self, wanted: RetentionPolicy, *, now_ns: int | None = None) -> RetentionStatus:
        """See :meth:`Store.settle_retention`; the file remembers what is in force."""
        now_ns = await self._retention_now_ns() if now_ns is None else now_ns
        tiers = self._tiers or ()
        return await self._in_turn(
            self._writing,
            partial(self._require_open().change, lambda connection, _: settle(connection, wanted, tiers, now_ns)),
        )

    async def read_retention(self, wanted: RetentionPolicy) -> RetentionStatus | None:
        """See :meth:`Store.read_retention`; None if there is no file yet."""
        tiers, now_ns = self._tiers or (), time.time_ns()
        if self._database is None:
            return await asyncio.to_thread(read_unopened, self.path, wanted, tiers, now_ns)
        return await self._query(lambda connection: read_status(connection, wanted, tiers, now_ns))

    async def confirm_retention(self, wanted: RetentionPolicy) -> int:
        """See :meth:`Store.confirm_retention`; also beside the process that has the file open."""
        tiers = self._tiers or ()
        change = partial(confirm, wanted=wanted, tiers=tiers, now_ns=time.time_ns())
        return await asyncio.to_thread(change_beside, self.path, change)

    async def request_tier_drop(self, every_ns: int) -> None:
        """See :meth:`Store.request_tier_drop`."""
        await asyncio.to_thread(
            change_beside, self.path, partial(request_drop, every_ns=every_ns, now_ns=time.time_ns())
        )

    async def release_streams(self, selector: Selector) -> int:
        """See :meth:`Store.release_streams`."""
        return await asyncio.to_thread(change_beside, self.path, partial(release_streams, selector=selector))

    async def apply_retention(
        self,
        keep_ns: int | None,
        *,
        streams_keep_ns: int | None = None,
        now_ns: int | None = None,
        report: ReportRemoved = ignore_removed,
    ) -> int:
        """See :meth:`Store.apply_retention`.

        Series and measurements that lose their last point and rollup are removed too, and the space returns to the
        file system. It happens in small steps, and writes continue between them. Without ``now_ns`` the time is
        that of the system, as far as time has passed since the last call, see :mod:`tsmon.stores.retention_clock`.
        """
        database = self._require_open()
        terms = (
            None if keep_ns is None else _check_positive(keep_ns),
            None if streams_keep_ns is None else _check_positive(streams_keep_ns),
        )
        while True:
            run = RetentionRun(await self._retention_now_ns() if now_ns is None else now_ns, *terms)
            step = partial(database.change, run.step, generation=database.generation)
            try:
                while await self._in_turn(self._writing, step):
                    pass
            except FileReplacedError:
                continue
            finally:
                report(run.removed, run.removed_rollups)
            return run.deleted

    async def confirm_clock(self) -> bool:
        """See :meth:`Store.confirm_clock`; also beside the process that has the file open."""
        return await asyncio.to_thread(change_beside, self.path, confirm_clock)

    async def _retention_now_ns(self) -> int:
        """The time to remove by, which the file remembers."""
        reading = read_clocks()
        observe = partial(
            self._require_open().change, lambda connection, _: observe_clock(connection, reading, self)
        )
        return await self._in_turn(self._writing, observe)

    async def size(self) -> maintenance.FileSize:
        """Size of the file; reads all of it, in another thread."""
        self._require_open()
        return await asyncio.to_thread(maintenance.measure, self.path)

    async def _open(self, database: Database) -> None:
        if self._database is not None:
            raise StoreError(f"{self.path} is open already")
        self._writing = DiskThread("tsmon-sqlite-write")
        self._reading = DiskThread("tsmon-sqlite-read")
        self._database, self._pid = database, os.getpid()
        try:
            async with asyncio.timeout(OPEN_S):
                await self._in_turn(self._writing, database.open)
        except TimeoutError:
            self._database = None
            self._writing.submit(lambda _: database.close())
            self._end_threads()
            raise StoreUnavailableError(f"{self.path} cannot be opened: the disk does not answer") from None
        except BaseException:
            await self.close()
            raise

    def _recover_soon(self) -> None:
        """Recover what can be read of a damaged file in the background, while points are written."""
        if self._database is not None and self._database.is_recovering and self._recovering is None:
            self._recovering = asyncio.get_running_loop().create_task(self._recover(self._database))

    async def _recover(self, database: Database) -> None:
        try:
            while await self._in_turn(self._writing, database.recover):
                pass
        except StoreError as error:
            _log.warning("the recovery of a damaged file waits: %s", error)
        finally:
            self._recovering = None

    def _count_taken_in(self, lines: int, refused: int) -> None:
        self._on_taken_in(lines, refused)

    def _require_open(self) -> Database:
        if self._database is None:
            raise StoreError(f"{self.path} is not open; use the store as `async with`, or call open() first")
        if self._pid != os.getpid():
            raise StoreError(
                f"{self.path} was opened by process {self._pid}, of which this one is a fork; "
                "create a new store after the fork"
            )
        return self._database

    async def _query(self, query: Callable[..., T]) -> T:
        return await self._in_turn(self._reading, partial(self._require_open().read, query))

    def _end_threads(self) -> None:
        for thread in (self._writing, self._reading):
            if thread is not None:
                thread.end()

    @staticmethod
    async def _in_turn(thread: DiskThread | None, function: Callable[[], T]) -> T:
        assert thread is not None
        return await thread.run(function, patience_s=None)


def _check_positive(duration_ns: int) -> int:
    if duration_ns <= 0:
        raise ValueError(f"a duration of {duration_ns} ns is not positive")
    return duration_ns
