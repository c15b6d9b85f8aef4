"""A store whose queries are plain calls."""

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Coroutine, Iterable
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tsmon.availability import (
    EXACT,
    AnyTime,
    Deployment,
    Duration,
    MinWindowWidths,
    PresetName,
    Report,
    Rules,
    query_availability,
)
from tsmon.availability.arguments import read_span, read_windows
from tsmon.errors import SettingsError, TsmonError
from tsmon.settings import MonitoringSettings, load_settings
from tsmon.stores import Bin, Count, Newest, Selector, Series, Store, Values
from tsmon.stores.factory import store_from
from tsmon.threads.loop_thread import Call, LoopThread, ThreadEndedError

__all__ = ["Reader"]

T = TypeVar("T")

END_S: Final = 2.0
"""Seconds that closing the store may take at the exit."""

SQLITE: Final = b"SQLite format 3\0"
CLOSED: Final = "the reader was closed meanwhile; it may be used again"


class Reader:
    """Queries a store from ordinary code: in scripts, in threads, and in notebooks, which run an event loop.

    ``source`` is the path of a settings file, :class:`~tsmon.settings.MonitoringSettings`, or a store that is not
    open; by default the settings that :func:`~tsmon.settings.load_settings` finds. If they name no store, it is the
    embedded one. It is opened for reading by the first query, on a thread of its own, so another process may be
    writing it, and closed by ``with``, :meth:`close`, or the end of the program. Start and stop of queries are
    times of any kind (:data:`~tsmon.availability.AnyTime`; integers are nanoseconds), windows are durations. They
    raise what the store raises, and :class:`~tsmon.errors.AvailabilityError` for what is no time; they may
    come from several threads.
    """

    def __init__(self, source: "str | PathLike[str] | MonitoringSettings | Store | None" = None) -> None:
        self._connection = _Connection(_find_store(source))
        weakref.finalize(self, self._connection.end)

    @property
    def store(self) -> Store:
        """The store that is queried; its own methods belong to the reader's event loop."""
        return self._connection.store

    def availability(
        self,
        selector: Selector,
        deployments: Iterable[Deployment] | Deployment,
        rules: Rules | PresetName = EXACT,
        *,
        name: str | None = None,
        start_ns: AnyTime | None = None,
        end_ns: AnyTime | None = None,
        now_ns: AnyTime | None = None,
        min_widths: MinWindowWidths | None = None,
    ) -> Report:
        """Gaps and sparsity of the selected points; see :func:`~tsmon.availability.query_availability`."""
        return self._connection.call(
            selector,
            lambda store: query_availability(
                store,
                selector,
                deployments,
                rules,
                name=name,
                start_ns=start_ns,
                end_ns=end_ns,
                now_ns=now_ns,
                min_widths=min_widths or MinWindowWidths(),
            ),
        )

    def bins(self, selector: Selector, *, start_ns: AnyTime, stop_ns: AnyTime, every_ns: Duration) -> list[Bin]:
        """See :meth:`Store.bins <tsmon.stores.Store.bins>`."""
        windows = read_windows(start_ns, stop_ns, every_ns)
        return self._connection.call(selector, lambda store: store.bins(selector, **windows))

    def counts(self, selector: Selector, *, start_ns: AnyTime, stop_ns: AnyTime) -> list[Count]:
        """See :meth:`Store.counts <tsmon.stores.Store.counts>`."""
        span = read_span(start_ns, stop_ns)
        return self._connection.call(selector, lambda store: store.counts(selector, **span))

    def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest <tsmon.stores.Store.newest>`."""
        return self._connection.call(selector, lambda store: store.newest(selector))

    def series(
        self, selector: Selector, *, start_ns: AnyTime, stop_ns: AnyTime, every_ns: Duration
    ) -> list[Series]:
        """See :meth:`Store.series <tsmon.stores.Store.series>`."""
        windows = read_windows(start_ns, stop_ns, every_ns)
        return self._connection.call(selector, lambda store: store.series(selector, **windows))

    def values(self, selector: Selector, *, start_ns: AnyTime, stop_ns: AnyTime) -> list[Values]:
        """See :meth:`Store.values <tsmon.stores.Store.values>`."""
        span = read_span(start_ns, stop_ns)
        return self._connection.call(selector, lambda store: store.values(selector, **span))

    def close(self) -> None:
        """Close the store and end the thread. Idempotent; another query opens it again."""
        self._connection.close()

    def __enter__(self) -> Self:
        """The reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _Connection:
    """The store, open or not, and the thread whose event loop it belongs to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = LoopThread("tsmon-reader", _do_nothing)
        self._opened: LoopThread | None = None
        """The thread on which the store is open."""
        self._opening: asyncio.Lock | None = None

    def call(self, selector: Selector, query: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        """Open the store if need be, and return the answer."""
        if not isinstance(selector, Selector):
            raise TsmonError(f"{selector!r} is no Selector; write Selector(measurement, field, tags)")
        thread = self._thread = self._find_thread()
        try:
            thread.start()
            return thread.call(lambda: self._query(thread, query))
        except ThreadEndedError:
            raise TsmonError(CLOSED) from None

    def close(self) -> None:
        """Close the store on its thread, and wait for that."""
        if self._begin_end():
            self._thread.wait_until_ended()

    def end(self) -> None:
        """As :meth:`close`, when nobody uses it any more; at the exit with a limit."""
        with contextlib.suppress(RuntimeError):
            if self._begin_end() and self._thread.loop is not _running_loop():
                self._thread.wait_until_ended(END_S)

    def _find_thread(self) -> LoopThread:
        if self._thread.is_here:
            if self._thread.last is not None:
                self._thread.wait_until_ended()
        elif self._opened is not None:
            self.store.after_fork()  # What is open is the parent's.
        return self._thread.find_usable()

    def _begin_end(self) -> bool:
        thread = self._thread
        if not thread.is_running:
            return False
        thread.end_with(Call(lambda: self._close(thread)))
        return True

    async def _query(self, thread: LoopThread, query: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        if self._opened is not thread:
            if self._opening is None:
                self._opening = asyncio.Lock()
            async with self._opening:
                if self._opened is not thread:
                    await self.store.open()
                    self._opened = thread
        return await query(self.store)

    async def _close(self, thread: LoopThread) -> None:
        try:
            if self._opened is thread:
                self._opened = None
                await self.store.close()
        finally:
            self._opening = None
            thread.end()


def _find_store(source: "str | PathLike[str] | MonitoringSettings | Store | None") -> Store:
    if isinstance(source, Store):
        return source.reader()
    if source is None or isinstance(source, str | PathLike):
        if source is not None and _is_sqlite(Path(source)):
            raise SettingsError(
                f"{source} is no settings file; for a file of the embedded store write "
                f'Reader(MonitoringSettings(store="sqlite", file={str(source)!r}))'
            )
        source = load_settings(None if source is None else Path(source)).monitoring
    if not isinstance(source, MonitoringSettings):
        raise SettingsError(
            "a Reader takes the path of a settings file, MonitoringSettings or a store; "
            f"{type(source).__name__} is none of them"
        )
    return store_from(source, embedded=True).reader()


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _running_loop() -> asyncio.AbstractEventLoop | None:
    return asyncio._get_running_loop()  # noqa: SLF001 - returns None without one


def _do_nothing(_: object) -> None:
    pass
