"""The phases of a Monitor and the transitions between them."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from tsmon.logs.error_texts import describe_error
from tsmon.monitor.emitter import STOP_TIMEOUT_S
from tsmon.monitor.exiting_servers import flush_with_servers
from tsmon.monitor.loop_binding import run_on_new_loop, wait_elsewhere
from tsmon.monitor.loop_watch import LoopWatch
from tsmon.monitor.pipeline import Pipeline
from tsmon.threads.native import create_lock
from tsmon.threads.waiting import sharing, wait_for_result

__all__ = ["Lifecycle", "Phase"]

_log = logging.getLogger("tsmon")

CHECK_S: Final = 0.1
"""Seconds between two looks at whether another thread's loop still works."""

HAND_OVER_MARGIN_S: Final = 1.0
"""Seconds beyond its timeout that a stop may take on another thread's loop."""

LATE_S: Final = 5.0
"""Seconds in all for points that are emitted after the stop at the exit."""


class Phase(Enum):
    """Where a Monitor is between its making and its end."""

    NEW = auto()
    """Not started, or a start has failed: points are accepted and wait in memory."""
    RUNNING = auto()
    """Points are accepted and sent."""
    STOPPING = auto()
    """Points are dropped and counted; those accepted earlier are sent for the last time."""
    STOPPED = auto()
    """Points are dropped and counted."""


class Lifecycle:
    """When a Monitor runs, and on which event loop.

    All transitions are::

        NEW ──start──▶ RUNNING ──stop──▶ STOPPING ──▶ STOPPED ──start──▶ RUNNING …
        NEW ──stop──▶ STOPPING (nothing is sent)
        RUNNING ──loop ends──▶ RUNNING, on the loop of the next start() or stop(), else on a thread of its own
        NEW or STOPPED ──start fails──▶ NEW
        STOPPED ──a start begins that nobody waits for──▶ NEW

    A start while RUNNING does nothing, nor does a stop while STOPPED; both wait for a stop under way. A stop may be
    called on any loop. The counts continue over all of this; only a forked child begins with new ones.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        enabled: bool,
        accept_points: Callable[[], None],
        refuse_points: Callable[[], None],
        continue_in_thread: Callable[[], asyncio.AbstractEventLoop | None],
    ) -> None:
        self.phase = Phase.NEW
        """The present phase."""
        self._pipeline = pipeline
        self._enabled = enabled
        self._accept_points = accept_points
        self._refuse_points = refuse_points
        self._continue_in_thread = continue_in_thread
        self._watch = LoopWatch(self._leave_closing_loop, self._leave_closed_loop)
        self._transition = create_lock()
        self._must_rebind = False
        self._is_starting = False
        self._exiting_thread: int | None = None
        self._late_s = LATE_S
        self._has_lost_late = False

    @property
    def is_running(self) -> bool:
        """Whether points are sent, or would be if the event loop had not ended."""
        return self.phase is Phase.RUNNING

    @property
    def drops_points(self) -> bool:
        """Whether points are dropped instead of accepted."""
        return self.phase in (Phase.STOPPING, Phase.STOPPED)

    async def start(self) -> None:
        """Run on the present event loop, unless it runs on another one that works."""
        if self.phase is Phase.STOPPING:
            await self._pipeline.wait_until_stopped()
        with sharing(self._transition):
            if self.phase is Phase.RUNNING:
                if self._pipeline.loop.is_working and not (self._must_rebind and self._pipeline.loop.is_current):
                    return
                is_rebound = True
            else:
                is_rebound = False
                if self.drops_points:
                    self._pipeline.reopen()
                    self._accept_points()
                self.phase = Phase.RUNNING
            self._must_rebind = False
            self._pipeline.loop.bind(asyncio.get_running_loop())
        try:
            self._is_starting = True
            if is_rebound:
                await self._pipeline.rebind(flushes=self._enabled)
            else:
                await self._pipeline.start(flushes=self._enabled)
            if self._enabled:
                from tsmon.monitor.exit_signals import flush_at_signals

                flush_at_signals()
                flush_with_servers()
                await self._watch.begin()
        except BaseException:
            self.phase = Phase.NEW
            raise
        finally:
            self._is_starting = False

    def accept_again(self) -> None:
        """After a stop: take points from now on, since a start follows that nobody waits for."""
        with sharing(self._transition):
            if self.phase is Phase.STOPPED:
                self._pipeline.reopen()
                self._accept_points()
                self.phase = Phase.NEW

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109
        """Stop, on whichever event loop it runs."""
        pipeline = self._pipeline
        if self.phase is Phase.RUNNING and not pipeline.loop.is_current:
            if pipeline.loop.is_working:
                await self._stop_elsewhere(timeout)
                return
            try:
                await self.start()
            except Exception as error:
                _log.error("the Monitor cannot continue on this event loop: %s", describe_error(error))
        await self._stop(timeout)

    async def _stop_elsewhere(self, timeout: float) -> None:  # noqa: ASYNC109
        """Stop on another thread's loop, or here if that loop ends meanwhile."""
        stopping = self._pipeline.loop.run(self._stop(timeout))
        ended = asyncio.wrap_future(stopping)
        while not (await asyncio.wait([ended], timeout=CHECK_S))[0] and self._pipeline.loop.is_working:
            pass
        if ended.done() and not ended.cancelled():
            ended.result()
        else:
            ended.cancel()
            await self.stop(timeout)

    def begin_exit(self) -> None:
        """The process exits, on this thread; :meth:`stop_at_exit` follows."""
        if self.phase is not Phase.STOPPED:
            self._exiting_thread = threading.get_ident()

    def stop_at_exit(self) -> None:
        """At the exit of the process: as :meth:`stop`, from outside of any event loop that works."""
        if self.drops_points:
            if self._pipeline.buffer.waiting and not self._pipeline.loop.is_working:
                self._pipeline.keep_or_drop_rest(STOP_TIMEOUT_S)  # A stop was interrupted.
            return
        if self.phase is Phase.NEW and not self._pipeline.buffer.waiting:
            return
        try:
            if self._pipeline.loop.is_working:
                stopping = self._pipeline.loop.run_at_exit(self._stop(STOP_TIMEOUT_S))
                wait_for_result(stopping, STOP_TIMEOUT_S + HAND_OVER_MARGIN_S)
            elif self.phase is Phase.RUNNING and not _is_in_loop():
                run_on_new_loop(self.stop(STOP_TIMEOUT_S))
        except Exception as error:
            _log.error("the last flush failed: %s", describe_error(error))
        self._end_at_exit()

    def reopen_at_exit(self) -> bool:
        """After :meth:`stop_at_exit`: take points, then call :meth:`write_late`; False if it is too late for that.

        They come from handlers of ``atexit`` that were registered before tsmon was imported, so run after ours.
        """
        if self._exiting_thread is None:
            return False
        if self._exiting_thread != threading.get_ident() or self._late_s <= 0 or _is_in_loop():
            if not self._has_lost_late:
                self._has_lost_late = True
                _log.warning("points that are emitted after the last flush at the exit are dropped")
            return False
        self._pipeline.reopen()
        self.phase = Phase.NEW
        return True

    def write_late(self) -> None:
        """Write what was emitted since :meth:`reopen_at_exit`, on this thread."""
        began = time.monotonic()
        try:
            run_on_new_loop(self._start_and_stop(self._late_s))
        except Exception as error:
            _log.error("the last flush failed: %s", describe_error(error))
        self._end_at_exit()
        # A store that is away is not waited for again.
        self._late_s = 0.0 if self._pipeline.last_error else self._late_s - (time.monotonic() - began)

    async def _start_and_stop(self, timeout: float) -> None:  # noqa: ASYNC109
        await self.start()
        await self.stop(timeout)

    def _end_at_exit(self) -> None:
        if not self.drops_points:
            self._refuse_points()
            self.phase = Phase.STOPPED
            self._pipeline.keep_or_drop_rest(STOP_TIMEOUT_S)

    def forget_after_fork(self) -> None:
        """In a forked child, which gets a lifecycle of its own: this one is the parent's."""
        self.phase = Phase.STOPPED
        self._watch.end()

    async def _stop(self, timeout: float) -> None:  # noqa: ASYNC109
        await wait_elsewhere(lambda: not self._is_starting, timeout)
        is_own = False
        try:
            with sharing(self._transition):
                if not self.drops_points:
                    is_own = True
                    self._refuse_points()
                    self.phase = Phase.STOPPING
                    self._pipeline.begin_stop()
            if is_own:
                self._watch.end()
                await self._pipeline.stop(timeout)
            else:
                await self._pipeline.wait_until_stopped()
        finally:
            if is_own:
                self.phase = Phase.STOPPED
                self._pipeline.end_stop()

    async def _leave_closing_loop(self) -> None:
        if self.phase is Phase.RUNNING and self._pipeline.loop.is_current:
            with contextlib.suppress(Exception):
                await self._pipeline.suspend()
            self._leave_closed_loop()

    def _leave_closed_loop(self) -> None:
        if self.phase is not Phase.RUNNING:
            return
        _log.warning(
            "an event loop ended on which a Monitor was not stopped; the Monitor continues in a thread of its own"
        )
        self._must_rebind = True
        self._pipeline.loop.bind(None)
        loop = self._continue_in_thread()
        if loop is not None:
            # So that a start on another loop leaves the Monitor to the thread.
            self._pipeline.loop.bind(loop)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
