"""A Monitor on a thread of its own, for programs without an event loop."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tsmon.clock import UniqueClock
from tsmon.delivery.accounting import Counts
from tsmon.errors import TsmonError
from tsmon.monitor.emitter import STOP_TIMEOUT_S, AsyncEmitter
from tsmon.monitor.exit_signals import flush_at_signals
from tsmon.monitor.patient_start import start_patiently
from tsmon.monitor.process_hooks import is_worker
from tsmon.scheduling.exit_executor import ExitExecutor
from tsmon.threads.event_loop import create_event_loop
from tsmon.threads.log_handover import hand_over_logs, write_logs
from tsmon.threads.native import NativeThread, create_lock, find_original, has_only_green_threads, start_thread
from tsmon.threads.waiting import NativeFuture, join_thread, run_on_loop, sharing, wait_for_result, wait_until_done

if TYPE_CHECKING:
    import concurrent.futures
    import queue
    import threading

    from tsmon.settings import MonitoringSettings

__all__ = ["BackgroundMonitor"]

T = TypeVar("T")

CANCEL_S: Final = 1.0
STOP_MARGIN_S: Final = 10.0
"""Seconds beyond its timeout that a stop may take before an exit continues without it."""

EVENTLET: Final = (
    "eventlet has replaced the threads of this program, so the Monitor cannot run in one of its own; "
    "call eventlet.monkey_patch(thread=False), or use gevent or threads instead"
)

_log = logging.getLogger("tsmon")


class BackgroundMonitor:
    """The blocking face of a :class:`~tsmon.Monitor`; ``with Monitor() as monitor`` provides one.

    It is also stopped when the interpreter exits, and may be started again after a stop. A forked child starts
    empty, with a thread of its own.
    """

    def __init__(self, monitor: AsyncEmitter) -> None:
        self._monitor = monitor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | NativeThread | None = None
        self._process = os.getpid()
        self._starting: concurrent.futures.Future[None] | None = None
        self._calls = create_lock()
        self._stop = create_lock()
        self.emit = monitor.emit
        """See :meth:`Monitor.emit`."""
        self.take_time_ns = monitor.take_time_ns
        """See :meth:`Monitor.take_time_ns`."""
        self.add_source = monitor.add_source
        """See :meth:`Monitor.add_source`."""

    @property
    def settings(self) -> "MonitoringSettings":
        """See :attr:`Monitor.settings`."""
        return self._monitor.settings

    @property
    def counts(self) -> Counts:
        """See :attr:`Monitor.counts`."""
        return self._monitor.counts

    @property
    def series(self) -> int:
        """See :attr:`Monitor.series`."""
        return self._monitor.series

    @property
    def sequence(self) -> int:
        """See :attr:`Monitor.sequence`."""
        return self._monitor.sequence

    @property
    def durable_sequence(self) -> int:
        """See :attr:`Monitor.durable_sequence`."""
        return self._monitor.durable_sequence

    @property
    def clock(self) -> UniqueClock:
        """See :attr:`Monitor.clock`."""
        return self._monitor.clock

    @property
    def last_error(self) -> str | None:
        """See :attr:`Monitor.last_error`."""
        return self._monitor.last_error

    @property
    def flush_period_s(self) -> float:
        """See :attr:`Monitor.flush_period_s`."""
        return self._monitor.flush_period_s

    @property
    def is_running(self) -> bool:
        """Whether the thread runs, in this process."""
        return self._loop is not None and os.getpid() == self._process

    @property
    def ran_before_fork(self) -> bool:
        """Whether the thread ran in the process of which this one is a fork, and does not here."""
        return self._loop is not None and os.getpid() != self._process

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread's event loop."""
        return self._loop is not None and asyncio._get_running_loop() is self._loop  # noqa: SLF001

    def start(self) -> None:
        """See :meth:`Monitor.start`."""
        with sharing(self._stop):
            if self.is_running:
                return
            loop = self._launch()
            try:
                self._call(self._monitor.start())
            except TsmonError:
                if not is_worker():
                    self._end()
                    raise
                self._start_patiently(loop)
            except BaseException:
                self._end()
                raise

    def start_soon(self) -> asyncio.AbstractEventLoop:
        """Run a thread on which the monitor starts, or continues, as soon as that is possible; do not wait for it.

        Also in a forked child, which inherits no threads. Returns the thread's event loop.
        """
        if self._loop is not None and self.is_running:
            return self._loop
        if self._process != os.getpid():
            self._calls = create_lock()
            self._stop = create_lock()
        loop = self._launch()
        self._start_patiently(loop)
        return loop

    def _start_patiently(self, loop: asyncio.AbstractEventLoop) -> None:
        tried = NativeFuture[None]()
        self._starting = tried

        def note_try() -> None:
            if not tried.done():
                tried.set_result(None)

        run_on_loop(start_patiently(self._monitor, note_try), loop)

    def set_flush_period(self, seconds: float) -> None:
        """See :meth:`Monitor.set_flush_period`."""
        self._monitor.set_flush_period(seconds)

    def flush(self, timeout: float | None = None) -> None:
        """See :meth:`Monitor.flush`."""
        if self._starting is not None:
            wait_until_done(self._starting, timeout)
        self._call(self._monitor.flush(timeout))

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """See :meth:`Monitor.stop`."""
        if os.getpid() != self._process:
            return
        with sharing(self._stop):
            if self._loop is None:
                return
            try:
                if self._starting is not None:
                    wait_until_done(self._starting, timeout)
                self._call(self._monitor.stop(timeout), timeout + STOP_MARGIN_S)
            except TimeoutError:
                _log.error("the monitor's thread does not end; points that it holds may be lost")
                self._thread = None
            finally:
                self._end()

    def _launch(self) -> asyncio.AbstractEventLoop:
        """Run a new thread with a new event loop."""
        if has_only_green_threads():
            raise TsmonError(EVENTLET)
        flush_at_signals()
        hand_over_logs()
        ready: queue.SimpleQueue[asyncio.AbstractEventLoop | Exception] = find_original("_queue", "SimpleQueue")()
        thread = start_thread(partial(self._run, ready.put), "tsmon")
        # A few microseconds, and without greenlets, which an emit() in a forked child may not wake.
        loop = ready.get()
        if isinstance(loop, Exception):
            raise loop
        self._process = os.getpid()
        self._starting = None
        self._thread, self._loop = thread, loop
        return loop

    def _call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        hand_over_logs()
        try:
            with sharing(self._calls):
                if self._loop is None or os.getpid() != self._process:
                    raise TsmonError("the Monitor's thread does not run in this process; start it again first")
                if self.is_current:
                    raise TsmonError("the Monitor's own thread cannot wait for itself; call from another one")
                future = run_on_loop(work, self._loop)
        except BaseException:
            work.close()
            raise
        try:
            return wait_for_result(future, timeout)
        except BaseException:
            future.cancel()
            raise

    def _end(self) -> None:
        with sharing(self._calls):
            loop, self._loop = self._loop, None
        thread, self._thread = self._thread, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
            if thread is not None:
                join_thread(thread)
            write_logs()

    @staticmethod
    def _run(report: Callable[[asyncio.AbstractEventLoop | Exception], None]) -> None:
        try:
            loop = create_event_loop()
            loop.set_default_executor(ExitExecutor(thread_name_prefix="tsmon"))
        except Exception as error:
            report(error)
            return
        loop.call_soon(report, loop)
        loop.run_forever()
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for task in tasks:
            if not task.cancelling():
                task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=CANCEL_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
