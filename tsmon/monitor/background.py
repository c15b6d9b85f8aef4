"""A Monitor on a thread of its own, for programs without an event loop."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from tsmon.clock import UniqueClock
from tsmon.delivery.accounting import Counts
from tsmon.errors import TsmonError
from tsmon.monitor.emitter import STOP_TIMEOUT_S, AsyncEmitter
from tsmon.monitor.exit_signals import flush_at_signals
from tsmon.monitor.patient_start import start_patiently
from tsmon.monitor.process_hooks import is_worker
from tsmon.scheduling.exit_executor import ExitExecutor
from tsmon.threads.gate import Gate
from tsmon.threads.log_handover import hand_over_logs, write_logs
from tsmon.threads.loop_thread import Call, LoopThread, ThreadEndedError
from tsmon.threads.native import has_only_green_threads

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["BackgroundMonitor"]

STOP_MARGIN_S: Final = 10.0
"""Seconds beyond its timeout that a stop may take before an exit continues without it."""

EVENTLET: Final = (
    "eventlet has replaced the threads of this program, so the Monitor cannot run in one of its own; "
    "call eventlet.monkey_patch(thread=False), or use gevent or threads instead"
)

NOT_RUNNING: Final = "the Monitor's thread does not run in this process; start it again first"
OWN_THREAD: Final = "the Monitor's own thread cannot wait for itself; call from another one"
STOPPED_EARLY: Final = "the Monitor was stopped before it had started; start it again first"

START: Final = "start"
TRIED: Final = "tried"

_log = logging.getLogger("tsmon")


def _prepare(loop: asyncio.AbstractEventLoop) -> None:
    flush_at_signals()
    loop.set_default_executor(ExitExecutor(thread_name_prefix="tsmon"))


class BackgroundMonitor:
    """The blocking face of a :class:`~tsmon.Monitor`; ``with Monitor() as monitor`` provides one.

    It is also stopped when the interpreter exits, and may be started again after a stop. A forked child starts
    empty, with a thread of its own.
    """

    def __init__(self, monitor: AsyncEmitter) -> None:
        self._monitor = monitor
        self._thread = LoopThread("tsmon", _prepare)
        """The one that runs, or ran last, or runs next."""
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
        return self._thread.is_running

    @property
    def ran_before_fork(self) -> bool:
        """Whether the thread ran in the process of which this one is a fork, and does not here."""
        return self._thread.has_run and not self._thread.is_here

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread's event loop."""
        loop = self._thread.loop
        return loop is not None and asyncio._get_running_loop() is loop  # noqa: SLF001

    @property
    def _loop(self) -> asyncio.AbstractEventLoop | None:
        return self._thread.loop if self._thread.has_run else None

    def _detach(self) -> None:
        """Leave the present thread as it is, to another owner; the next start runs a new one."""
        self._thread = LoopThread("tsmon", _prepare)

    def start(self) -> None:
        """See :meth:`Monitor.start`.

        If an exception of a signal handler interrupts it, the thread continues, and :meth:`stop` stops it.
        """
        if self.is_current:
            return
        ending = self._thread
        if ending.is_running and (last := ending.last) is not None:
            ending.end_with(last)  # Again, if that was interrupted.
            ending.wait_until_ended()
        thread = self._launch()
        call = thread.claim(START, Call(partial(self._start_on, thread)))
        try:
            thread.submit(call)
            call.wait()
        except ThreadEndedError:
            raise TsmonError(STOPPED_EARLY) from None
        finally:
            if thread.is_ending:
                thread.wait_until_ended()

    def start_soon(self) -> asyncio.AbstractEventLoop:
        """Run a thread on which the monitor starts, or continues, as soon as that is possible; do not wait for it.

        Also in a forked child, which inherits no threads. Returns the thread's event loop.
        """
        thread = self._thread
        if (
            thread.is_running
            and not thread.is_ending
            and thread.loop is not None
            and thread.claimed(START) is not None
        ):
            return thread.loop
        thread = self._launch()
        thread.submit(
            thread.claim(START, Call(partial(self._start_patiently, thread, thread.claim(TRIED, Gate()))))
        )
        assert thread.loop is not None
        return thread.loop

    async def _start_on(self, thread: LoopThread) -> None:
        try:
            await self._monitor.start()
        except TsmonError:
            if not is_worker():
                thread.end()
                raise
            await self._start_patiently(thread, thread.claim(TRIED, Gate()))
        except BaseException:
            thread.end()
            raise

    async def _start_patiently(self, thread: LoopThread, tried: Gate) -> None:
        thread.submit(Call(partial(start_patiently, self._monitor, tried.open)))

    def set_flush_period(self, seconds: float) -> None:
        """See :meth:`Monitor.set_flush_period`."""
        self._monitor.set_flush_period(seconds)

    def flush(self, timeout: float | None = None) -> None:
        """See :meth:`Monitor.flush`."""
        hand_over_logs()
        thread = self._thread
        if not thread.is_running:
            raise TsmonError(NOT_RUNNING)
        if self.is_current:
            raise TsmonError(OWN_THREAD)
        self._wait_for_try(thread, timeout)
        try:
            thread.call(partial(self._monitor.flush, timeout))
        except ThreadEndedError:
            raise TsmonError(NOT_RUNNING) from None

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """See :meth:`Monitor.stop`.

        If an exception of a signal handler interrupts it, the thread continues to stop for at most ``timeout``
        seconds; another stop, or the exit, waits for that. So a signal handler may call it, too, at any moment.
        """
        thread = self._thread
        if not thread.is_here or thread.abandon() or not thread.is_running:
            return
        if self.is_current:
            raise TsmonError(OWN_THREAD)
        hand_over_logs()
        self._wait_for_try(thread, timeout)
        own = Call(partial(self._stop_on, thread, timeout))
        call = thread.end_with(own)
        if call is not own and not thread.wait_until_ended(timeout):
            # The other one has a longer timeout.
            thread.cancel(call)
            timeout = 0.0
        if not thread.wait_until_ended(timeout + STOP_MARGIN_S):
            _log.error("the monitor's thread does not end; points that it holds may be lost")
            thread.lose()
        write_logs()
        if call is own and call.is_done and not call.is_cancelled:
            call.wait()

    async def _stop_on(self, thread: LoopThread, timeout: float) -> None:  # noqa: ASYNC109
        try:
            await self._monitor.stop(timeout)
        finally:
            thread.end()
            if (tried := thread.claimed(TRIED)) is not None:
                tried.open()

    @staticmethod
    def _wait_for_try(thread: LoopThread, timeout: float | None) -> None:
        """Wait for the first try of a patient start."""
        start, tried = thread.claimed(START), thread.claimed(TRIED)
        if start is not None and tried is not None and not tried.is_open:
            thread.submit(start)  # Again, if that was interrupted.
            tried.wait(timeout)

    def _launch(self) -> LoopThread:
        """A thread that runs."""
        if has_only_green_threads():
            raise TsmonError(EVENTLET)
        hand_over_logs()
        self._thread = thread = self._thread.find_usable()
        try:
            thread.start()
        except ThreadEndedError:
            raise TsmonError(STOPPED_EARLY) from None
        return thread
