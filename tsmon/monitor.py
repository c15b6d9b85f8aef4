"""Monitor, the async adapter: emit from anywhere, flush periodically."""

import asyncio
import atexit
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tsmon.buffer import BLOCK_LINES, LONG_LINE, Buffer
from tsmon.clock import UniqueClock
from tsmon.counts import Counts
from tsmon.delivery import Delivery
from tsmon.errors import FlushTimeoutError, InvalidPointError, TsmonError
from tsmon.line_protocol import Encoding
from tsmon.line_protocol.default import following
from tsmon.points import Point
from tsmon.stores import Store

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from tsmon.background import BackgroundMonitor
    from tsmon.settings import MonitoringSettings

__all__ = ["STOP_TIMEOUT_S", "Monitor"]

_log = logging.getLogger("tsmon")

STOP_TIMEOUT_S = 5.0


class Monitor:
    """Takes points, buffers them encoded, and writes them to a store every flushing period.

    In a program with an event loop::

        async with Monitor() as monitor:
            monitor.emit(point)

    In one without, ``with Monitor() as monitor:`` runs a thread of its own and gives the same methods in their
    blocking form. Without arguments the settings come from ``tsmon.toml`` and ``TSMON_*`` variables. ``service``
    is the service tag of points that do not name their own; left out, it is the settings', else the one
    given to :func:`tsmon.configure`.

    ``emit`` may be called from any thread, before the start too; it never waits for the network.
    """

    def __init__(
        self,
        settings: "MonitoringSettings | None" = None,
        *,
        service: str | None = None,
        store: Store | None = None,
    ) -> None:
        settings = settings or _settings(from_file=store is None)
        if store is None:
            from tsmon.configured import store_from

            store = store_from(settings)
        self.store = store
        self._settings = settings
        self._period_s = settings.flushing_period
        self._batch_lines = settings.batch_lines
        self._raise_invalid = settings.on_invalid == "raise"
        service = service or settings.service
        self._clock = UniqueClock()
        encoding = self._new_encoding(service, settings)
        self._encoding = encoding if service else following(encoding)
        self._buffer = Buffer(settings.buffer_bytes)
        self._lines = self._buffer.lines
        self._functions = self._encoding.functions
        self._delivery = Delivery(
            self._buffer, store, max_lines=settings.batch_lines, max_bytes=settings.batch_bytes
        )
        self._batch_bytes = settings.batch_bytes
        self._refused = 0
        self._stopped = False
        self._stopping = False
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduler: AsyncIOScheduler | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._background: BackgroundMonitor | None = None

    @property
    def counts(self) -> Counts:
        """The accounting at this moment."""
        return self._buffer.counts(refused=self._refused, nonfinite_fields=self._encoding.nonfinite)

    @property
    def last_error(self) -> str | None:
        """Why the store did not take the last batch; None when it did."""
        return self._delivery.last_error

    @property
    def flush_period_s(self) -> float:
        """Seconds between two flushes."""
        return self._period_s

    def take_time_ns(self) -> int:
        """The present time, unique within this process, for an event whose point is emitted later."""
        return self._clock()

    def emit(self, point: Point | Iterable[Point]) -> None:
        """Take one point or several; returns at once, whatever the network or the disk are doing.

        A point that cannot be stored raises :class:`~tsmon.errors.InvalidPointError` here (of several, none is
        taken then), unless the setting ``on_invalid`` is ``drop``. After the stop points are dropped and counted.
        """
        function = self._functions.get(type(point))  # type: ignore[arg-type]
        if function is None:
            self._emit_other(point)
            return
        try:
            line = function(point)
        except InvalidPointError:
            self._refuse(1)
            return
        lines = self._lines
        lines.append(line)
        if len(lines) >= BLOCK_LINES or len(line) > LONG_LINE:
            self._seal()

    def _new_encoding(self, service: str | None, settings: "MonitoringSettings") -> Encoding:
        return Encoding(service, tags=settings.tags, tags_as_fields=settings.tags_as_fields, clock=self._clock)

    def _emit_other(self, point: Point | Iterable[Point]) -> None:
        points = [point] if isinstance(point, Point) else list(point)
        if self._stopped:
            self._buffer.accept_dropped(len(points), "stopped")
            return
        lines = []
        for one in points:
            try:
                lines.append(self._encoding.encode(one))
            except InvalidPointError:
                self._refuse(len(points) if self._raise_invalid else 1)
        for start in range(0, len(lines), BLOCK_LINES):
            self._lines.extend(lines[start : start + BLOCK_LINES])
            if len(self._lines) >= BLOCK_LINES:
                self._seal()

    def _refuse(self, points: int) -> None:
        """Count refused points; called while an InvalidPointError is handled, which it lets pass or logs."""
        self._refused += points
        if self._raise_invalid:
            raise  # noqa: PLE0704
        _log.debug("a point was refused", exc_info=True)

    def _seal(self) -> None:
        self._buffer.seal()
        enough = self._buffer.sealed_bytes >= self._batch_bytes or (self._buffer.sealed_lines >= self._batch_lines)
        if enough and not self._woken and self._loop is not None:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                self._woken = False

    def _wake(self) -> None:
        self._woken = False
        task = asyncio.get_running_loop().create_task(self._deliver())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self) -> None:
        """One flush; nothing that goes wrong in it may end the next ones."""
        try:
            await self._delivery.run()
        except Exception:
            _log.exception("a flush failed; the next one follows")

    async def start(self) -> None:
        """Open the store and begin to flush; raises where the settings make that impossible."""
        if self._stopped:
            raise TsmonError("this Monitor was stopped; make a new one")
        if self._loop is not None:
            return
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        await self.store.open()
        self._loop = asyncio.get_running_loop()
        self._scheduler = AsyncIOScheduler(timezone=UTC, event_loop=self._loop)
        self._scheduler.add_job(
            self._deliver,
            "interval",
            id="flush",
            seconds=self._period_s,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    def set_flush_period(self, seconds: float) -> None:
        """Change the flushing period, while running too; call it on the loop that the Monitor was started on."""
        if not 0 < seconds <= timedelta.max.total_seconds():
            raise ValueError(f"the flushing period is {seconds} s; give more than zero")
        self._period_s = seconds
        if self._scheduler is not None:
            self._scheduler.reschedule_job("flush", trigger="interval", seconds=seconds)

    async def reconfigure(self, settings: "MonitoringSettings", make_store: Callable[[], Store]) -> None:
        """Change settings while running; nothing that waits is lost, and a mistake changes nothing.

        ``make_store`` is called only where the settings name another store than before; points that wait
        then go to the new one. The bound of the buffer stays.
        """
        service = settings.service
        encoding = self._new_encoding(service, settings)
        if settings.store_key != self._settings.store_key:
            store = make_store()
            await store.open()
            self.store = store
            await (await self._delivery.change_store(store, STOP_TIMEOUT_S)).close()
        encoding.nonfinite = self._encoding.nonfinite
        self._encoding = encoding if service else following(encoding)
        self._functions = self._encoding.functions
        self._raise_invalid = settings.on_invalid == "raise"
        if settings.flushing_period != self._settings.flushing_period:
            self.set_flush_period(settings.flushing_period)
        self._settings = settings

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when the store has acknowledged every point emitted so far.

        Points that the store refuses for good count as settled; see :attr:`counts`. After ``timeout`` seconds
        :class:`~tsmon.errors.FlushTimeoutError` is raised, and the points stay pending.
        """
        if self._loop is None:
            raise TsmonError("the Monitor is not started; use it as `async with`, or call start() first")
        self._buffer.seal(wait=True)
        try:
            async with asyncio.timeout(timeout):
                await self._delivery.settle(self._buffer.sealed)
        except TimeoutError:
            raise FlushTimeoutError(
                f"{self.counts.pending} points are not acknowledged after {timeout} s"
                + (f": {self.last_error}" if self.last_error else "")
            ) from None

    async def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:  # noqa: ASYNC109
        """Take no new points, flush once more for at most ``timeout`` seconds, cancel what is in flight.

        What is left then is dropped, counted and logged. Safe to call more than once.
        """
        if self._stopping:
            return
        self._stopping = self._stopped = True
        self._functions = {}
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        try:
            if self._loop is not None:
                await self.flush(timeout)
        except FlushTimeoutError:
            pass
        finally:
            for task in list(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            left = self._buffer.drop_all("stopped")
            if left:
                reason = f": {self.last_error}" if self.last_error else ""
                _log.error("%d points were not written before the stop and are lost%s", left, reason)
            await self.store.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def __enter__(self) -> "BackgroundMonitor":
        """Start on a thread of its own, for programs without an event loop."""
        from tsmon.background import BackgroundMonitor

        self._background = BackgroundMonitor(self)
        self._background.start()
        atexit.register(self._background.stop)
        return self._background

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the thread."""
        if self._background is not None:
            self._background.stop()
            atexit.unregister(self._background.stop)


def _settings(*, from_file: bool) -> "MonitoringSettings":
    from tsmon.settings import MonitoringSettings, load_settings

    return load_settings().monitoring if from_file else MonitoringSettings()
