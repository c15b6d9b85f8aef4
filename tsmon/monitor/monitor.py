"""Monitor, the async adapter: emit from anywhere, flush periodically."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, cast

from tsmon.clock import UniqueClock
from tsmon.delivery.accounting import Counts
from tsmon.delivery.buffer import LONG_LINE, Buffer
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.delivery import Delivery
from tsmon.delivery.spooler import Spooler
from tsmon.errors import FlushTimeoutError, InvalidPointError, SettingsError, TsmonError
from tsmon.line_protocol import Encoding
from tsmon.line_protocol.default_encoding import follow_configured_service
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.emitter import STOP_TIMEOUT_S
from tsmon.monitor.process_hooks import remember
from tsmon.monitor.self_metrics import SelfMetrics
from tsmon.monitor.series_guard import SeriesGuard
from tsmon.monitor.source import Source
from tsmon.points import Point
from tsmon.scheduling.periodic import Periodic, check_period
from tsmon.spool import Destination
from tsmon.stores import Store

if TYPE_CHECKING:
    from tsmon.monitor.background import BackgroundMonitor
    from tsmon.settings import MonitoringSettings

__all__ = ["Monitor"]

_log = logging.getLogger("tsmon")

STOPPED: Final = "this Monitor was stopped; make a new one"
CLOSE_TIMEOUT_S: Final = 2.0


class Monitor:
    """Takes points, buffers them encoded, and writes them to a store every flushing period.

    In a program with an event loop::

        async with Monitor() as monitor:
            monitor.emit(point)

    In one without, ``with Monitor() as monitor:`` runs a thread of its own and gives the same methods in their
    blocking form. Without arguments the settings come from ``tsmon.toml`` and ``TSMON_*`` variables. ``service``
    is the service tag of points that do not name their own; left out, it is the settings', else the one
    given to :func:`tsmon.configure`. Where the settings say ``enabled = false``, everything may be called and
    nothing is done.

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
        if not settings.enabled:
            from tsmon.stores.memory import MemoryStore

            store = MemoryStore()
            self.emit = _ignore  # type: ignore[method-assign, assignment]
        elif store is None:
            from tsmon.stores.factory import store_from

            store = store_from(settings)
        self.store = store
        self._settings = settings
        self._service = service
        self._raise_invalid = settings.on_invalid == "raise"
        self._clock = UniqueClock()
        self._guard = SeriesGuard(settings.series_limit)
        self._encoding = self._new_encoding(settings)
        self._functions = self._encoding.encoders
        self._background: BackgroundMonitor | None = None
        self._self_metrics = SelfMetrics(
            lambda: self.counts, lambda: self._encoding.service, settings.self_metrics_period
        )
        self._sources: list[Source] = [self._self_metrics] if settings.enabled else []
        self._limited = RateLimitedLog()
        self._begin()
        remember(self)

    def _begin(self) -> None:
        """Everything that belongs to one process: empty buffer, delivery, schedule; nothing runs yet."""
        settings = self._settings
        self._buffer = Buffer(
            settings.buffer_bytes, batch_lines=settings.batch_lines, batch_bytes=settings.batch_bytes
        )
        self._spooler = _spooler(settings, self.store, self._buffer)
        dead_letters = _dead_letters(settings, self.store)
        self._delivery = Delivery(self._buffer, self.store, spooler=self._spooler, dead_letters=dead_letters)
        self._schedule = Periodic(self._flush_soon, settings.flushing_period)
        self._started = False
        self._stopped = False
        self._forked = False
        self._ended: asyncio.Event | None = None
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def after_fork(self) -> None:
        """In a forked child: start empty, for what waits is the parent's.

        A thread of its own starts anew with the first point. (Not here: locks of modules that were imported after
        ours are still in the parent's state.)
        """
        if self._stopped:
            return
        if self._spooler is not None:
            self._spooler.forget_after_fork()
        self.store.after_fork()
        for source in self._sources:
            source.forget()
        self._begin()
        self._forked = self._background is not None
        if self._forked:
            self._functions = {}

    def at_exit(self) -> None:
        """At the interpreter's exit without :meth:`stop`: keep what waits in the spool, or say that it is lost."""
        if self._background is not None and not self._forked:
            self._background.stop()
        if self._started and not self._stopped:
            self._collect(last=True)
            self._stopped = True
            self._functions = {}
            self._give_up()

    @property
    def settings(self) -> "MonitoringSettings":
        """The settings in force."""
        return self._settings

    @property
    def counts(self) -> Counts:
        """The accounting at this moment."""
        return self._buffer.counts(nonfinite_fields=self._encoding.nonfinite)

    @property
    def series(self) -> int:
        """How many distinct series (measurement and tags) were emitted so far, within 2 %."""
        return self._guard.series

    @property
    def sequence(self) -> int:
        """Sequence number of the point accepted last, counted from 1; see :attr:`durable_sequence`.

        The points that a Monitor writes of its own accord are counted too.
        """
        return self._buffer.newest

    @property
    def durable_sequence(self) -> int:
        """Up to which sequence number points are safe: on disk, written, or dropped and counted.

        With the spool ``required`` every point goes to disk before it is sent. One whose number, read from
        :attr:`sequence` after emitting it, is no more than this survives kill -9.
        """
        return self._buffer.durable

    @property
    def last_error(self) -> str | None:
        """Why the store did not take the last batch; None when it did."""
        return self._delivery.last_error

    @property
    def clock(self) -> UniqueClock:
        """Where the times come from that are taken."""
        return self._clock

    @property
    def flush_period_s(self) -> float:
        """Seconds between two flushes."""
        return self._schedule.period_s

    def take_time_ns(self) -> int:
        """The present time, unique within this process, for an event whose point is emitted later."""
        try:
            return int(next(self._clock.ticks))
        except (ValueError, StopIteration):
            return self._clock()

    def emit(self, point: Point | Iterable[Point]) -> None:
        """Take one point or several; returns at once, whatever the network or the disk are doing.

        A point that cannot be stored raises :class:`~tsmon.errors.InvalidPointError` here (of several, none is
        taken then), unless the setting ``on_invalid`` is ``drop``. After the stop points are dropped and counted.
        """
        try:
            function = self._functions[type(point)]  # type: ignore[index]
        except KeyError:
            self._emit_other(point)
            return
        try:
            line = function(point)
        except InvalidPointError:
            self._refuse(1)
            return
        buffer = self._buffer
        lines = buffer.lines
        lines.append(line)
        if len(lines) >= buffer.block_lines or len(line) > LONG_LINE:
            self._seal()

    def _new_encoding(self, settings: "MonitoringSettings") -> Encoding:
        service = self._service or settings.service
        encoding = Encoding(
            service,
            tags=settings.tags,
            tags_as_fields=settings.tags_as_fields,
            clock=self._clock,
            on_new_series=self._guard.saw,
        )
        return encoding if service else follow_configured_service(encoding)

    def _emit_other(self, point: Point | Iterable[Point]) -> None:
        try:
            points = _points_of(point)
        except InvalidPointError:
            self._refuse(1)
            return
        if self._stopped:
            self._buffer.accept_dropped(len(points), "stopped")
            return
        if self._forked and self._background is not None:
            self._forked = False
            self._functions = self._encoding.encoders
            self._background.restart_after_fork()
        lines = []
        for one in points:
            try:
                lines.append(self._encoding.encode(one))
            except InvalidPointError:
                self._refuse(len(points) if self._raise_invalid else 1)
        buffer = self._buffer
        for line in lines:
            buffer.lines.append(line)
            if len(buffer.lines) >= buffer.block_lines or len(line) > LONG_LINE:
                self._seal()

    def _refuse(self, points: int) -> None:
        """Count refused points; called while an InvalidPointError is handled, which it lets pass or logs."""
        self._buffer.refuse(points)
        if self._raise_invalid:
            raise  # noqa: PLE0704
        _log.debug("a point was refused", exc_info=True)

    def _seal(self) -> None:
        self._buffer.seal()
        loop = self._loop
        if loop is not None and not self._woken and self._buffer.full_batch:
            self._woken = True
            try:
                loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                self._woken = False

    def add_source(self, source: Source) -> None:
        """Ask ``source`` for points before each flush and at the stop."""
        if self._settings.enabled:
            self._sources.append(source)

    def _collect(self, *, last: bool = False) -> None:
        for source in self._sources:
            try:
                if last:
                    source.hold_nothing()
                for point in source.collect():
                    self.emit(point)
            except Exception as error:
                self._limited.warning("source", f"what {type(source).__name__} has gathered is lost: {error}")

    def _flush_soon(self) -> None:
        self._collect()
        self._delivery.kick()

    def _wake(self) -> None:
        self._woken = False
        self._delivery.kick()

    async def start(self) -> None:
        """Open the store and begin to flush; raises where the settings make that impossible."""
        if self._stopped:
            raise TsmonError(STOPPED)
        if self._started:
            return
        self._started = True
        try:
            await self.store.open()
            if self._spooler is not None:
                await self._spooler.open()
            if self._settings.enabled:
                self._schedule.start()
        except BaseException:
            self._started = False
            await self.store.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._delivery.kick()

    def set_flush_period(self, seconds: float) -> None:
        """Change the flushing period, while running too, from any thread."""
        self._schedule.change(seconds)

    async def reconfigure(self, settings: "MonitoringSettings", make_store: Callable[[], Store]) -> None:
        """Change settings while running; nothing that waits is lost, and a mistake changes nothing.

        ``make_store`` is called only where the settings name another store than before; points that wait
        then go to the new one, those in the spool too. The bound of the buffer stays.
        """
        check_period(settings.flushing_period)
        if settings.enabled != self._settings.enabled:
            raise SettingsError("monitoring.enabled has changed, which takes effect only at the next start")
        encoding = self._new_encoding(settings)
        if settings.store_key != self._settings.store_key:
            await self._change_store(settings, make_store())
        if self._stopped:
            raise TsmonError(STOPPED)
        encoding.nonfinite = self._encoding.nonfinite
        self._guard.set_limit(settings.series_limit)
        self._encoding = encoding
        self._functions = encoding.encoders
        self._raise_invalid = settings.on_invalid == "raise"
        self._buffer.limit_batches(settings.batch_lines, settings.batch_bytes)
        if settings.self_metrics_period != self._settings.self_metrics_period:
            self._self_metrics.set_period(settings.self_metrics_period)
        if settings.flushing_period != self._settings.flushing_period:
            self.set_flush_period(settings.flushing_period)
        self._settings = settings

    async def _change_store(self, settings: "MonitoringSettings", store: Store) -> None:
        await store.open()
        if self._stopped:
            await store.close()
            raise TsmonError(STOPPED)
        spooler = dead_letters = None
        if store.destination != self.store.destination:
            spooler, dead_letters = _spooler(settings, store, self._buffer), _dead_letters(settings, store)
        self.store = store
        self._spooler = spooler or self._spooler
        old = await self._delivery.change_store(store, STOP_TIMEOUT_S, spooler=spooler, dead_letters=dead_letters)
        await old.close()

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when the store has acknowledged every point emitted, or recovered from the spool, so far.

        Points that the store refuses for good count as settled; see :attr:`counts`. After ``timeout`` seconds
        :class:`~tsmon.errors.FlushTimeoutError` is raised, and the points stay pending.
        """
        if self._loop is None:
            raise TsmonError("the Monitor is not started; use it as `async with`, or call start() first")
        if self._loop is not asyncio.get_running_loop():
            raise TsmonError("the Monitor runs on another event loop; call flush() there")
        if self._ended is not None and self._ended.is_set():
            raise TsmonError(STOPPED)
        self._collect()
        await self._flush(timeout)

    async def _flush(self, timeout: float | None, *, last_chance: bool = False) -> None:  # noqa: ASYNC109
        self._buffer.seal(wait=True)
        sequence, recovered = self._buffer.sealed, self._buffer.recovered
        last_chance_s = timeout if last_chance else None
        try:
            async with asyncio.timeout(timeout):
                done = await self._delivery.settle(sequence, recovered=recovered, last_chance_s=last_chance_s)
        except TimeoutError:
            reason = f": {self.last_error}" if self.last_error else ""
            raise FlushTimeoutError(
                f"{self.counts.pending} points are not acknowledged after {timeout} s{reason}"
            ) from None
        if not done:
            raise FlushTimeoutError("the Monitor was stopped before the store had acknowledged")

    async def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:  # noqa: ASYNC109
        """Take no new points, flush once more for at most ``timeout`` seconds, cancel what is in flight.

        What is left then stays in the spool; without one it is dropped, counted and logged. Safe to call more
        than once.
        """
        if self._ended is not None:
            await self._ended.wait()
            return
        self._ended = asyncio.Event()
        if self._started:
            self._collect(last=True)
        self._stopped = True
        self._functions = {}
        self._schedule.stop()
        try:
            if self._loop is not None:
                await self._flush(timeout, last_chance=True)
        except FlushTimeoutError:
            pass
        finally:
            try:
                await self._delivery.close()
            finally:
                self._give_up()
                await self._close_store()

    def _give_up(self) -> None:
        self._delivery.keep_rest()
        kept = self.counts.pending
        left = self._buffer.close("stopped")
        if kept > left:
            _log.warning("%d points were not written before the stop; the spool keeps them", kept - left)
        if left:
            reason = f": {self.last_error}" if self.last_error else ""
            _log.error("%d points were not written before the stop and are lost%s", left, reason)

    async def _close_store(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.store.close()
        except Exception as error:
            _log.warning("the store could not be closed: %s", str(error) or type(error).__name__)
        finally:
            assert self._ended is not None
            self._ended.set()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    def start_in_background(self) -> "BackgroundMonitor":
        """Start on a thread of its own, for programs without an event loop; it stops when the program exits."""
        from tsmon.monitor.background import BackgroundMonitor

        background = BackgroundMonitor(self)
        background.start()
        self._background = background
        return background

    def __enter__(self) -> "BackgroundMonitor":
        """Start on a thread of its own."""
        return self.start_in_background()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the thread."""
        if self._background is not None:
            self._background.stop()


def _ignore(_: Point | Iterable[Point]) -> None:
    """``emit`` of a Monitor that the settings switch off."""


def _points_of(point: Point | Iterable[Point]) -> list[Point]:
    if hasattr(type(point), "__declaration__"):
        return [cast("Point", point)]
    if not isinstance(point, Iterable):
        raise InvalidPointError(f"{point!r} is no point; emit() takes one point or several")
    return list(point)


def _spooler(settings: "MonitoringSettings", store: Store, buffer: Buffer) -> Spooler | None:
    """The spool in front of a store that may be away; a store whose commit is its durability needs none."""
    destination = store.destination
    if settings.spool == "off" or destination is None:
        return None
    from tsmon.delivery.paths import spool_directory

    return Spooler(
        buffer,
        spool_directory(settings),
        Destination(*destination),
        required=settings.spool == "required",
        max_bytes=settings.spool_bytes,
    )


def _dead_letters(settings: "MonitoringSettings", store: Store) -> DeadLetterFile | None:
    """The file for what a server refuses."""
    destination = store.destination
    if destination is None or not settings.dead_letter_bytes:
        return None
    from tsmon.delivery.paths import dead_letter_file

    return DeadLetterFile(dead_letter_file(settings, Destination(*destination)), settings.dead_letter_bytes)


def _settings(*, from_file: bool) -> "MonitoringSettings":
    from tsmon.settings import MonitoringSettings, load_settings

    return load_settings().monitoring if from_file else MonitoringSettings()
