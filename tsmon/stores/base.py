"""The interface of a store: it takes line protocol, and answers a few narrow queries about time.

Times are integer nanoseconds since the epoch (UTC). Intervals are half open, ``start_ns <= time < stop_ns``.
Windows of ``every_ns`` are aligned to the epoch, as InfluxDB's ``window()`` aligns them. Empty ones are
left out.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final, Self

from tsmon.errors import StoreError
from tsmon.stores.answer_rows import AnswerRows
from tsmon.stores.concurrent_queries import query_together
from tsmon.stores.query_types import Bin, Count, Newest, Retention, Selector, Series, Values, WindowedSpan
from tsmon.stores.retention_policy import ReportRemoved, RetentionPolicy, RetentionStatus, ignore_removed
from tsmon.stores.setup_change import ReportProgress, SetupChange, ignore_progress
from tsmon.stores.store_copy import StagedPoints, StoreCopy

if TYPE_CHECKING:
    from pathlib import Path

    from tsmon.settings import MonitoringSettings
    from tsmon.stores.rollup_tiers import RollupTier

__all__ = ["Store"]

BEGINNING_NS: Final = -(2**63)


class Store(ABC):
    """Where lines are written and queried; use it as ``async with``, or call ``open()`` and ``close()``.

    A store implements the abstract methods. The others have defaults for a store without rollups, retention and
    setup. To make a store known to the settings, register its class as an entry point of the group
    ``tsmon.stores``; then ``monitoring.store`` accepts the name of the entry point.
    """

    outlives_process: ClassVar[bool] = True
    """Whether points stay when the process ends, as those of every store for production do."""

    needs_setup: ClassVar[bool] = False
    """Whether ``tsmon-agent setup`` must prepare this store before the agent can keep rollups in it."""

    @classmethod
    def is_named_by(cls, settings: "MonitoringSettings") -> bool:
        """Whether the settings mean this store when ``monitoring.store`` is ``auto``; by default they never do."""
        return False

    @classmethod
    def from_settings(cls, settings: "MonitoringSettings", *, tiers: "Iterable[RollupTier] | None" = None) -> Self:
        """The store that the settings describe, not yet open; by default the class is called without arguments.

        ``tiers`` are the tiers of its rollups; None leaves them as they are. Raises
        :class:`~tsmon.errors.NoPlaceError` if a default of the settings has no place on this system.
        """
        return cls()

    @classmethod
    def settings_key(cls, settings: "MonitoringSettings") -> tuple[object, ...]:
        """The settings that the store was built from: while they stay equal, a reload keeps the open store."""
        return ()

    @property
    def destination(self) -> tuple[str, str, str] | None:
        """Identity of the store (URL, organization, bucket) for a spool in front of it.

        None if it needs no spool, because its writes fail only if the disk fails that the spool would use.
        """
        return None

    def reader(self) -> "Store":
        """A store with the same points that only reads, for use while another process writes.

        By default it is this store: any number of processes may write it.
        """
        return self

    def after_fork(self) -> None:  # noqa: B027
        """Called in a forked child: forget open connections without closing them, since the parent uses them."""

    def after_loop_end(self) -> None:  # noqa: B027
        """Called when the event loop has ended on which it was opened, and it cannot be closed on another one.

        Forget what belonged to that loop, so that :meth:`open` works on the next; by default there is nothing.
        """

    def preload(self) -> None:  # noqa: B027
        """Import the modules that :meth:`open` and :meth:`write` need; by default they are imported then."""

    @abstractmethod
    async def open(self) -> None:
        """Prepare for writes and queries; raises :class:`~tsmon.errors.StoreError` if that fails."""

    async def open_shared(self) -> None:
        """As :meth:`open`, for one of several processes that write.

        A store that only one process can write hands the lines of the others over to it. By default any number may.
        """
        await self.open()

    async def take_in(self) -> None:  # noqa: B027
        """Store what other processes have handed over; called at every flush. By default there is nothing."""

    def count_taken_in(self, count: Callable[[int, int], None]) -> None:  # noqa: B027
        """Call ``count``, from any thread, when lines of other processes were stored.

        Its arguments are the number of lines, and how many of them were refused.
        """

    @abstractmethod
    async def check(self) -> str | None:
        """Check that points would be stored, without storing any; raises :class:`~tsmon.errors.StoreError` if not.

        The store need not be open; nothing is changed. Returns what the user should know instead of that the store
        "accepts points", such as "does not exist yet and can be created"; else None.
        """

    @abstractmethod
    async def write(self, lines: bytes) -> None:
        """Store line protocol, one point a line, separated by newlines. When it returns, the points are stored.

        Raises :class:`~tsmon.errors.StoreUnavailableError` if the same lines may be written later, and
        :class:`~tsmon.errors.StoreRefusedError` if writing them again is useless. In the second case all lines are
        stored except the number that the error reports.
        """

    @abstractmethod
    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """Bins of the selected points, of all selected series together, in order of time."""

    async def bins_of_spans(self, selector: Selector, spans: Iterable[WindowedSpan]) -> list[list[Bin]]:
        """Bins of several spans, each as :meth:`bins` returns them; one call may be quicker than several."""
        async with query_together() as group:
            tasks = [
                group.create_task(self.bins(selector, start_ns=low, stop_ns=high, every_ns=every))
                for low, high, every in spans
            ]
        return [task.result() for task in tasks]

    async def windows(
        self,
        selectors: Sequence[Selector],  # noqa: ARG002
        *,
        start_ns: int,  # noqa: ARG002
        stop_ns: int,  # noqa: ARG002
        every_ns: int,  # noqa: ARG002
    ) -> list[tuple[Mapping[str, str], Sequence[Bin]]] | None:
        """Tags and bins of each series that any of the selectors selects, all of one measurement and field.

        None if a query for each selector is as quick.
        """
        return None

    @abstractmethod
    async def newest(self, selector: Selector) -> list[Newest]:
        """Newest point of each selected series, sorted by tags."""

    @abstractmethod
    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """Mean of each window of each selected series of numbers, sorted by tags."""

    @abstractmethod
    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """Every value of each selected series that has any, exactly as written, sorted by tags."""

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """Number of values of each selected series that has any, sorted by tags."""
        found = await self.values(selector, start_ns=start_ns, stop_ns=stop_ns)
        return AnswerRows(Count, (Count(one.tags, len(one.values)) for one in found))

    async def retention(
        self,
        measurement: str,  # noqa: ARG002
        tags: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> list[Retention]:
        """What the store still has of a measurement: first the points, then each tier that outlives them.

        With ``tags`` only of the series that have them. The narrowest comes first. By default the points are kept
        for ever.
        """
        return [Retention(0, BEGINNING_NS)]

    async def keep_streams(self, selectors: Iterable[Selector]) -> None:  # noqa: B027
        """Give the selected series the retention of expected streams, from now on and for good.

        Ignored by a store that applies no retention itself.
        """

    async def settle_retention(
        self,
        wanted: RetentionPolicy,
        *,
        now_ns: int | None = None,  # noqa: ARG002
    ) -> RetentionStatus:
        """Decide which retention is in force; what is shorter than before waits, see :data:`GRACE_NS`.

        By default it is what is wanted.
        """
        return RetentionStatus(wanted)

    async def read_retention(self, wanted: RetentionPolicy) -> RetentionStatus | None:  # noqa: ARG002
        """The retention in force, and what ``wanted`` would make shorter and remove; changes nothing.

        None if the store applies no retention itself.
        """
        return None

    async def confirm_retention(self, wanted: RetentionPolicy) -> int:  # noqa: ARG002
        """Let what ``wanted`` makes shorter be in force at the next :meth:`settle_retention`; return its number.

        The store need not be open: another process may be writing it.
        """
        return 0

    async def confirm_clock(self) -> bool:
        """Let the next :meth:`apply_retention` believe a system's time that is ahead of the time that has passed.

        The store need not be open. Returns whether there was anything to confirm.
        """
        return False

    async def request_tier_drop(self, every_ns: int) -> None:  # noqa: ARG002
        """Let the next :meth:`settle_retention` remove a tier of rollups, unless it is wanted again by then.

        The store need not be open. Raises :class:`~tsmon.errors.StoreError` if there is no such tier.
        """
        raise StoreError(f"{self} keeps no rollups; there is nothing to remove")

    async def release_streams(self, selector: Selector) -> int:  # noqa: ARG002
        """Give series back the retention of all others, those that :meth:`keep_streams` was called with exactly so.

        The store need not be open. Returns how many entries there were.
        """
        return 0

    async def apply_retention(
        self,
        keep_ns: int | None,  # noqa: ARG002
        *,
        streams_keep_ns: int | None = None,  # noqa: ARG002
        now_ns: int | None = None,  # noqa: ARG002
        report: ReportRemoved = ignore_removed,  # noqa: ARG002
    ) -> int:
        """Remove points older than ``keep_ns`` (None: none), and expired rollups; return how many points.

        ``streams_keep_ns`` is for the series of :meth:`keep_streams`. At the end, also if it fails, ``report`` is
        called with what was removed: points by measurement, and rollups by the width of their windows. By default
        nothing is removed: the store applies a retention of its own, or has none.
        """
        return 0

    async def change_tiers(self, tiers: "Iterable[RollupTier]") -> None:  # noqa: B027
        """Keep rollups in these tiers from now on; ignored by a store without rollups.

        What is stored stays: a tier that is not among them is maintained as before.
        """

    async def refresh_rollups(self) -> None:  # noqa: B027
        """Compute the rollups that are due after recent writes; does nothing in a store without rollups."""

    @asynccontextmanager
    async def backfill(self, rolling_up: Callable[[str], None] = lambda _: None) -> AsyncIterator[None]:  # noqa: ARG002
        """Context in which history is written; when it ends without an error, the rollups include that history.

        ``rolling_up`` is called with the name of a measurement before its rollups are computed, if that takes long.
        """
        yield
        await self.refresh_rollups()

    async def rebuild_rollups(
        self,
        measurements: Sequence[str] = (),  # noqa: ARG002
        *,
        start_ns: int | None = None,  # noqa: ARG002
        stop_ns: int | None = None,  # noqa: ARG002
        report: ReportProgress = ignore_progress,  # noqa: ARG002
    ) -> Mapping[str, int]:
        """Compute rollups again from the stored points; windows whose points have expired stay as they are.

        Without ``measurements`` all are rebuilt, without a time all windows. Returns the number of windows of each
        measurement, if the store counts them.
        """
        raise StoreError(f"{self} keeps no rollups; there is nothing to rebuild")

    async def setup_changes(self, *, shorter: bool = False) -> Sequence[SetupChange]:  # noqa: ARG002
        """The changes that prepare the store for its tiers, in the order to apply them; none if it is ready.

        With ``shorter`` also those by which rollups are kept for a shorter time, which removes older ones.
        """
        return ()

    def back_up(self, directory: "Path", report: ReportProgress = ignore_progress) -> StoreCopy:  # noqa: ARG002
        """Copy the points into a directory as they are at one moment, also while others write; blocks.

        The store need not be open. By default nothing is copied, and the operator is advised.
        """
        return StoreCopy(
            advice=f"the points of {self} are not in this backup; back them up by the means of that store",
            restore_advice=f"the points of {self} were not in this backup; restore them by the means of that store",
        )

    def stage_restore(self, directory: "Path", *, replace: bool) -> StagedPoints | None:  # noqa: ARG002
        """Prepare the points of :meth:`back_up` to take the place of the stored ones; blocks.

        Without ``replace``, raises :class:`~tsmon.errors.StoreError` if there are any. None, as by default, if the
        store does not restore.
        """
        return None

    @abstractmethod
    async def close(self) -> None:
        """Release everything; idempotent."""

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()
