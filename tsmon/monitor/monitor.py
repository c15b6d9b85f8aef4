"""Monitor, the async adapter: emit from any place, flush periodically."""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tsmon.errors import SettingsError, TsmonError
from tsmon.logs.error_texts import describe_error
from tsmon.monitor import process_hooks
from tsmon.monitor.arguments import check_arguments
from tsmon.monitor.emitter import STOP_TIMEOUT_S
from tsmon.monitor.from_settings import build_store, build_unavailable_store, load_monitoring_settings
from tsmon.monitor.intake import Intake
from tsmon.monitor.lifecycle import Lifecycle, Phase
from tsmon.monitor.pipeline import STOPPED, Pipeline
from tsmon.monitor.self_metrics import SelfMetrics
from tsmon.monitor.source import Source
from tsmon.monitor.sources import Sources
from tsmon.scheduling.periodic import check_period
from tsmon.stores import Store
from tsmon.threads.native import is_patched

if TYPE_CHECKING:
    from tsmon.monitor.background import BackgroundMonitor
    from tsmon.settings import MonitoringSettings

__all__ = ["Monitor"]

_log = logging.getLogger("tsmon")


class Monitor(Intake):
    """Takes points, encodes and buffers them, and writes them to a store every flushing period.

    In a program with an event loop::

        async with Monitor() as monitor:
            monitor.emit(point)

    In a program without one, ``with Monitor() as monitor:`` runs a thread of its own and provides the same methods
    in blocking form. Without arguments the settings come from ``tsmon.toml`` and ``TSMON_*`` variables.
    ``service`` is the service tag of points that do not name one; by default it is that of the settings, else the
    one given to :func:`tsmon.configure`. With ``enabled = false`` in the settings every method does nothing.

    ``emit`` may be called from any thread, even before the start; it never waits for the network.

    A Monitor may be started again after a stop; points emitted between the two are dropped and counted. If its
    event loop ends, it continues on that of the next ``start``, or else on a thread of its own. See
    :class:`~tsmon.monitor.lifecycle.Lifecycle` for its phases.
    """

    def __init__(
        self,
        settings: "MonitoringSettings | None" = None,
        *,
        service: str | None = None,
        store: Store | None = None,
    ) -> None:
        check_arguments(settings, service, store)
        if settings is None:
            settings, reason = load_monitoring_settings(from_file=store is None)
            if reason is not None:
                store = build_unavailable_store(reason)
        if not settings.enabled:
            store = build_store(settings)
            self.emit = self._ignore  # type: ignore[method-assign]
        self._settings = settings
        super().__init__(settings, service)
        self._background: BackgroundMonitor | None = None
        self._self_metrics = SelfMetrics(
            lambda: self.counts, lambda: self._encoding.service, settings.self_metrics_period
        )
        self._sources = Sources(self.emit)
        self.add_source(self._self_metrics)
        self._begin(store or build_store(settings))
        process_hooks.register(self)

    def _begin(self, store: Store) -> None:
        """Set up what belongs to one process: an empty buffer and the way to the store; nothing runs yet."""
        self._pipeline = Pipeline(self._settings, store, self._sources.collect)
        self._buffer = self._pipeline.buffer
        self._seal = self._pipeline.seal
        self._lifecycle = Lifecycle(
            self._pipeline,
            enabled=self._settings.enabled,
            accept_points=self._accept_points,
            refuse_points=self._refuse_points,
            continue_in_thread=self._continue_in_thread,
        )
        self._forked = False

    def after_fork(self) -> None:
        """In a forked child: start empty, because what waits belongs to the parent.

        A background thread is restarted by the first point. (Not here: locks of modules that were imported after
        ours are still in the parent's state.)
        """
        was_stopped = self._lifecycle.drops_points
        was_in_thread = self._background is not None and self._background.ran_before_fork
        self._lifecycle.forget_after_fork()
        self._pipeline.forget_after_fork()
        self._sources.forget()
        self._begin(self.store)
        if was_stopped:
            self._pipeline.buffer.close("stopped")
            self._lifecycle.phase = Phase.STOPPED
        self._forked = was_in_thread and not was_stopped
        if self._forked:
            self._functions = {}
            self._sources.hold_nothing()

    def at_exit(self) -> None:
        """At the interpreter's exit without :meth:`stop`: stop; the spool keeps the rest, or its loss is logged."""
        self._lifecycle.begin_exit()
        if self._background is not None and not self._forked:
            self._background.stop()
        if self._settings.enabled:
            self._lifecycle.stop_at_exit()

    def _ignore(self, point: object) -> None:
        """``emit`` of a Monitor that the settings switch off; while a test captures points, it has other code."""

    @property
    def store(self) -> Store:
        """Where points go."""
        return self._pipeline.store

    @property
    def settings(self) -> "MonitoringSettings":
        """The settings in force."""
        return self._settings

    @property
    def last_error(self) -> str | None:
        """Why the store did not take the last batch; None when it did."""
        return self._pipeline.last_error

    @property
    def flush_period_s(self) -> float:
        """Seconds between two flushes."""
        return self._pipeline.flush_period_s

    def add_source(self, source: Source) -> None:
        """Collect points from ``source`` before each flush and at the stop."""
        self._sources.add(source)

    @property
    def is_running(self) -> bool:
        """Whether it has been started and not been stopped since."""
        return self._lifecycle.is_running

    async def start(self) -> None:
        """Open the store and begin to flush; raises if the settings make that impossible.

        It may be repeated after an error, and after a stop.
        """
        await self._lifecycle.start()

    def set_flush_period(self, seconds: float) -> None:
        """Change the flushing period, from any thread, even while running."""
        self._pipeline.set_flush_period(seconds)

    async def reconfigure(self, settings: "MonitoringSettings", make_store: Callable[[], Store]) -> None:
        """Change the settings while running; no waiting point is lost, and a mistake changes nothing.

        ``make_store`` is called only if the settings name another store than before; waiting points, including
        those in the spool, then go to the new one. The bound of the buffer stays.
        """
        from tsmon.stores.factory import store_key

        check_period(settings.flushing_period)
        if settings.enabled != self._settings.enabled:
            raise SettingsError("monitoring.enabled has changed, which takes effect only at the next start")
        encoding = self._build_encoding(settings)
        if store_key(settings) != store_key(self._settings):
            await self._pipeline.change_store(settings, make_store())
        if self._lifecycle.drops_points:
            raise TsmonError(STOPPED)
        self._use_encoding(encoding, settings)
        self._buffer.limit_batches(settings.batch_lines, settings.batch_bytes)
        if settings.self_metrics_period != self._settings.self_metrics_period:
            self._self_metrics.set_period(settings.self_metrics_period)
        if settings.flushing_period != self._settings.flushing_period:
            self.set_flush_period(settings.flushing_period)
        self._settings = settings

    async def flush(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when every point emitted, or recovered from the spool, so far is settled.

        That is: acknowledged by the store, or dropped, for example because the store refused it for good; see
        :attr:`counts`. Raises :class:`~tsmon.errors.FlushTimeoutError` after ``timeout`` seconds; the points stay
        pending.
        """
        background = self._background
        if background is None or background.is_current or not background.is_running:
            await self._pipeline.flush(timeout)
        else:
            await asyncio.to_thread(background.flush, timeout)

    async def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:  # noqa: ASYNC109
        """Accept no more points, flush for at most ``timeout`` seconds, cancel what is still in flight.

        What is left then stays in the spool; without a spool it is dropped, counted and logged. Idempotent; on any
        event loop.
        """
        background = self._background
        if background is None or background.is_current or not background.is_running:
            await self._lifecycle.stop(timeout)
        else:
            await asyncio.to_thread(background.stop, timeout)

    @property
    def _drops_points(self) -> bool:
        return self._lifecycle.drops_points

    def _restart_if_forked(self) -> None:
        if self._forked and self._background is not None:
            self._forked = False
            self._functions = self._encoding.encoders
            self._sources.hold_again()
            try:
                self._background.start_soon()
            except (RuntimeError, TsmonError) as error:
                _log.error(
                    "the Monitor cannot start in this forked process, and points wait in memory: %s",
                    describe_error(error),
                )
            except BaseException:
                self._forked = True
                self._functions = {}
                raise

    def _reopen_at_exit(self) -> bool:
        return self._lifecycle.reopen_at_exit()

    def _write_late(self) -> None:
        self._lifecycle.write_late()

    def _accept_points(self) -> None:
        """After a stop: take points again."""
        self._functions = self._encoding.encoders
        self._sources.hold_again()

    def _refuse_points(self) -> None:
        """Collect from the sources once more; later points are dropped and counted."""
        self._sources.collect(last=True)
        self._functions = {}

    def _continue_in_thread(self) -> asyncio.AbstractEventLoop | None:
        """Without an event loop of the program's: run a thread; returns its loop."""
        from tsmon.monitor.background import BackgroundMonitor

        if self._background is None:
            self._background = BackgroundMonitor(self)
        try:
            return self._background.start_soon()
        except RuntimeError:
            pass  # The interpreter is ending and starts no more threads; see at_exit().
        except TsmonError as error:
            _log.error(
                "the Monitor cannot continue in a thread, and points wait in memory: %s", describe_error(error)
            )
        return None

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
        """Start on a thread of its own, for programs without an event loop; stops when the program exits."""
        from tsmon.monitor.background import BackgroundMonitor

        if is_patched():
            # A module that a greenlet imports at the same time would stop a real thread.
            self._pipeline.preload()
        # Kept first, so that it is stopped at the exit even if its start is interrupted.
        self._background = background = self._background or BackgroundMonitor(self)
        background.start()
        return background

    def start_soon(self) -> None:
        """As :meth:`start_in_background`, but wait for nothing: a start that fails is logged and tried again."""
        if not self.is_running:
            self._lifecycle.accept_again()
            self._continue_in_thread()

    def __enter__(self) -> "BackgroundMonitor":
        """Start on a thread of its own."""
        return self.start_in_background()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the thread."""
        if self._background is not None:
            self._background.stop()
