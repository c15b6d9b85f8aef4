"""The pipeline of a Monitor: from the buffer to the store, within one process."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from tsmon.delivery.buffer import Buffer
from tsmon.delivery.delivery import Delivery
from tsmon.errors import FlushTimeoutError, TsmonError
from tsmon.files.disk_thread import HANG_S, DiskThread
from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.monitor.emitter import STOP_TIMEOUT_S
from tsmon.monitor.exiting_servers import flush_with_servers
from tsmon.monitor.from_settings import build_dead_letter_file, build_spooler, report_stranded
from tsmon.monitor.loop_binding import LoopBinding, wait_elsewhere
from tsmon.scheduling.periodic import Periodic
from tsmon.stores import Store
from tsmon.threads.native import has_only_green_threads, is_patched

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["STOPPED", "Pipeline"]

_log = logging.getLogger("tsmon")

STOPPED: Final = "this Monitor is stopped; start it again first"
NOT_STARTED: Final = (
    "the Monitor was not started; use it as `with` or `async with`, or call start() or start_in_background()"
)
CLOSE_TIMEOUT_S: Final = 2.0
LONGEST_PATIENCE_S: Final = 3.0
"""How long a stop waits at most for a disk that makes no progress."""

LONGEST_STOP_S: Final = 30.0


class Pipeline:
    """Buffer, delivery, store and the schedule of flushes, on one event loop at a time.

    :class:`~tsmon.monitor.lifecycle.Lifecycle` decides when it starts and stops, and on which loop.
    ``collect`` is called before each flush; it emits what sources have gathered.
    """

    def __init__(self, settings: "MonitoringSettings", store: Store, collect: Callable[[], None]) -> None:
        self.store = store
        """Where points go."""
        self.buffer = Buffer(
            settings.buffer_bytes, batch_lines=settings.batch_lines, batch_bytes=settings.batch_bytes
        )
        """Where lines are appended."""
        store.count_taken_in(self.buffer.count_taken_in)
        self._taking_in: asyncio.Task[None] | None = None
        self._spooler = build_spooler(settings, store, self.buffer)
        self._delivery = Delivery(
            self.buffer, store, spooler=self._spooler, dead_letters=build_dead_letter_file(settings, store)
        )
        self._report_stranded = partial(report_stranded, settings, store)
        self._collect = collect
        self._schedule = Periodic(self._flush_soon, settings.flushing_period)
        self.loop = LoopBinding()
        """The event loop on which this runs."""
        self._is_woken = False
        self._has_started = False
        self._log = RateLimitedLog()
        self._is_stopping = False
        self._is_stopped = False

    @property
    def last_error(self) -> str | None:
        """Why the store did not take the last batch; None when it did."""
        return self._delivery.last_error

    @property
    def flush_period_s(self) -> float:
        """Seconds between two flushes."""
        return self._schedule.period_s

    def set_flush_period(self, seconds: float) -> None:
        """Change the flushing period, while running, too, from any thread."""
        self._schedule.change(seconds)

    def seal(self) -> None:
        """Seal the buffer, and send if a whole batch waits; from any thread."""
        self.buffer.seal()
        loop = self.loop.bound
        if loop is not None and not self._is_woken and self.buffer.full_batch:
            self._is_woken = True
            try:
                loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                self._is_woken = False
            except BaseException:
                self._is_woken = False
                raise

    def preload(self) -> None:
        """Import what :meth:`start` needs, and what cannot be imported while the interpreter exits."""
        import tsmon.monitor.exit_signals
        import tsmon.scheduling.exit_executor  # noqa: F401

        self._schedule.preload()
        self.store.preload()

    async def start(self, *, flushes: bool) -> None:
        """Open the store and begin to send, and with ``flushes`` to flush; raises where that is impossible."""
        try:
            await self._preload()
            await self.store.open_shared()
            if self._spooler is not None:
                await self._spooler.open()
            else:
                self._report_stranded()
            if flushes:
                self._schedule.start()
        except BaseException as error:
            self.loop.bind(None)
            self._delivery.last_error = describe_error(error)
            await self.store.close()
            raise
        self._delivery.last_error = None
        self._has_started = True
        self._is_woken = False
        self._delivery.kick()

    async def _preload(self) -> None:
        """Import on a thread: an HTTP client takes a tenth of a second, or much longer from a slow disk."""
        if is_patched() or has_only_green_threads():
            self.preload()
            return
        importing = DiskThread("tsmon-import")
        try:
            await importing.run(self.preload, patience_s=None)
        finally:
            importing.end()

    async def rebind(self, *, flushes: bool) -> None:
        """Continue on the running loop, because the one before has ended."""
        self._schedule.stop()
        self._stop_taking_in()
        self._delivery.renew()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.store.close()
        except Exception:
            # What a connection needs for its end has ended with the loop.
            self.store.after_loop_end()
        await self.start(flushes=flushes)

    async def suspend(self) -> None:
        """The running loop is about to end: cancel what is under way, so that another loop can continue."""
        self._schedule.stop()
        self._stop_taking_in()
        await self._delivery.close()
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await self.store.close()

    def reopen(self) -> None:
        """After a stop: accept points again, so that a start can follow."""
        self._is_stopping = self._is_stopped = False
        self._delivery.renew()
        self.buffer.reopen()

    async def change_store(self, settings: "MonitoringSettings", store: Store) -> None:
        """Send to ``store`` from now on; the old one is closed after its last write."""
        store.count_taken_in(self.buffer.count_taken_in)
        await store.open_shared()
        if self._is_stopping:
            await store.close()
            raise TsmonError(STOPPED)
        spooler = dead_letters = None
        if store.destination != self.store.destination:
            spooler = build_spooler(settings, store, self.buffer)
            dead_letters = build_dead_letter_file(settings, store)
        self.store = store
        self._spooler = spooler or self._spooler
        old = await self._delivery.change_store(store, STOP_TIMEOUT_S, spooler=spooler, dead_letters=dead_letters)
        await old.close()

    async def flush(self, timeout: float | None) -> None:  # noqa: ASYNC109
        """See :meth:`tsmon.Monitor.flush`."""
        if self._is_stopped:
            raise TsmonError(STOPPED)
        if self.loop.bound is None:
            raise TsmonError("the Monitor is not started; use it as `async with`, or call start() first")
        if not self.loop.is_current:
            raise TsmonError("the Monitor runs on another event loop; call flush() there")
        self._collect()
        await self._flush(timeout)
        await self._take_in()

    def begin_stop(self) -> None:
        """Announce that :meth:`stop` follows at once."""
        self._is_stopping = True

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109
        """Flush for at most ``timeout`` seconds, then cancel, keep or drop what is left, and close the store."""
        self._schedule.stop()
        self._stop_taking_in()
        try:
            if self.loop.bound is not None:
                await self._flush(timeout, last_chance=True)
        except FlushTimeoutError:
            pass
        finally:
            try:
                await self._delivery.close()
            finally:
                try:
                    await self._delivery.keep_rest(_patience_s(timeout))
                finally:
                    self._drop_rest()
                    await self._close_store()

    def end_stop(self) -> None:
        """Let those continue that wait for the end of the stop."""
        self._is_stopped = True

    async def wait_until_stopped(self) -> None:
        """Wait for the end of a stop that may be under way on another loop."""
        # For a limited time, since that loop may have been closed without an end.
        await wait_elsewhere(lambda: self._is_stopped or not self._is_stopping, LONGEST_STOP_S)

    def keep_or_drop_rest(self, timeout_s: float) -> None:
        """Send no more: the spool keeps what is left; what it does not take is dropped, counted and logged."""
        try:
            self._delivery.keep_rest_now(_patience_s(timeout_s))
        finally:
            self._drop_rest()

    def _drop_rest(self) -> None:
        pending = self.buffer.counts(nonfinite_fields=0).pending
        lost = self.buffer.close("stopped")
        if pending > lost:
            _log.warning("%d points were not written before the stop; the spool keeps them", pending - lost)
        if lost:
            reason = self.last_error or (None if self._has_started else NOT_STARTED)
            _log.error(
                "%d points were not written before the stop and are lost%s", lost, f": {reason}" if reason else ""
            )

    def forget_after_fork(self) -> None:
        """In a forked child: what is open belongs to the parent."""
        if self._spooler is not None:
            self._spooler.forget_after_fork()
        self.store.after_fork()

    def _flush_soon(self) -> None:
        # A loop that was idle while another one took over may run again.
        if self.loop.is_current:
            self._is_woken = False
            flush_with_servers()
            self._collect()
            self._delivery.kick()
            if self._taking_in is None and type(self.store).take_in is not Store.take_in:
                self._taking_in = asyncio.get_running_loop().create_task(self._take_in())

    async def _take_in(self) -> None:
        """Store what other processes have handed over."""
        try:
            await self.store.take_in()
        except Exception as error:
            reason = describe_error(error)
            self._log.warning("handed over", f"points of other processes wait: {reason}")
        finally:
            if self._taking_in is asyncio.current_task():
                self._taking_in = None

    def _stop_taking_in(self) -> None:
        task, self._taking_in = self._taking_in, None
        if task is not None:
            with contextlib.suppress(RuntimeError):  # Its event loop has ended.
                task.cancel()

    def _wake(self) -> None:
        if self.loop.is_current:
            self._is_woken = False
            self._delivery.kick()

    async def _flush(self, timeout: float | None, *, last_chance: bool = False) -> None:  # noqa: ASYNC109
        self.buffer.seal(wait=True)
        sequence, recovered = self.buffer.sealed, self.buffer.recovered
        last_chance_s = timeout if last_chance else None
        try:
            async with asyncio.timeout(timeout):
                settled = await self._delivery.settle(sequence, recovered=recovered, last_chance_s=last_chance_s)
        except TimeoutError:
            pending = self.buffer.counts(nonfinite_fields=0).pending
            reason = f": {self.last_error}" if self.last_error else ""
            raise FlushTimeoutError(f"{pending} points are not acknowledged after {timeout} s{reason}") from None
        if not settled:
            raise FlushTimeoutError("the Monitor was stopped before the store had acknowledged")

    async def _close_store(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.store.close()
        except Exception as error:
            _log.warning("the store could not be closed: %s", describe_error(error))
        finally:
            self.loop.bind(None)


def _patience_s(timeout_s: float) -> float:
    return max(HANG_S, min(timeout_s, LONGEST_PATIENCE_S))
