"""Periodic calls, scheduled by APScheduler."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

__all__ = ["Periodic", "check_period"]

_log = logging.getLogger("tsmon")

JOB: Final = "periodic"
SHORTEST_S: Final = 0.001
LONGEST: Final = timedelta(days=36_500)
WATCH_S: Final = 5.0


def check_period(seconds: float) -> None:
    """Raise :class:`ValueError` unless this is a valid period; any large number is, infinity included."""
    if not seconds >= SHORTEST_S:
        raise ValueError(f"the flushing period is {seconds} s; give at least {SHORTEST_S}")


class Periodic:
    """Calls ``action`` on the event loop every ``period_s`` seconds; the action should return at once.

    The first call is one period after the start, or at the start itself (``at_once``). Calls that were missed
    because the loop was blocked are skipped. An action that raises is logged and called again at its next turn.
    """

    def __init__(self, action: Callable[[], object], period_s: float, *, at_once: bool = False) -> None:
        check_period(period_s)
        self._action = action
        self._period_s = period_s
        self._at_once = at_once
        self._scheduler: AsyncIOScheduler | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def period_s(self) -> float:
        """Seconds between two calls."""
        return self._period_s

    @staticmethod
    def preload() -> None:
        """Import what :meth:`start` needs."""
        import apscheduler.executors.asyncio
        import apscheduler.schedulers.asyncio  # noqa: F401

        import tsmon.scheduling.skipping_trigger  # noqa: F401

    def start(self) -> None:
        """Begin, on the running event loop."""
        from apscheduler.executors.asyncio import AsyncIOExecutor
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        from tsmon.scheduling.skipping_trigger import SkippingTrigger

        # APScheduler logs each run of each job as INFO, and one that stop() cancels as an error.
        logging.getLogger("apscheduler.executors.tsmon").setLevel(logging.CRITICAL)
        quiet = logging.getLogger("apscheduler.schedulers.tsmon")
        quiet.setLevel(logging.WARNING)
        loop = self._loop = asyncio.get_running_loop()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, event_loop=loop, executors={"tsmon": AsyncIOExecutor()}, logger=quiet
        )
        self._scheduler.add_job(
            self._call,
            SkippingTrigger(self._interval),
            id=JOB,
            executor="tsmon",
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self._watch = loop.call_later(WATCH_S, self._check_clock)
        if self._at_once:
            self._call_now()

    def change(self, period_s: float) -> None:
        """Call every ``period_s`` seconds from now on; from any thread, even before the start."""
        check_period(period_s)
        self._period_s = period_s
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # It has ended.
                self._loop.call_soon_threadsafe(self._reschedule)

    def stop(self) -> None:
        """Make no more calls. Idempotent; allowed after the event loop has ended, too."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            with contextlib.suppress(RuntimeError):
                scheduler.shutdown(wait=False)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=min(self._period_s, LONGEST.total_seconds()))

    async def _call(self) -> None:
        # A coroutine, so that APScheduler runs it on the loop; a job that has begun may outlive stop() by one step.
        if self._scheduler is not None:
            self._call_now()

    def _call_now(self) -> None:
        try:
            self._action()
        except Exception:
            _log.exception("a periodic call failed; it is repeated at its next turn")

    def _reschedule(self) -> None:
        if self._scheduler is not None:
            from tsmon.scheduling.skipping_trigger import SkippingTrigger

            self._scheduler.reschedule_job(JOB, trigger=SkippingTrigger(self._interval))

    def _check_clock(self) -> None:
        """Reschedule after the wall clock was set back, since APScheduler would wait for the old time."""
        if self._scheduler is None:
            return
        due = self._scheduler.get_job(JOB).next_run_time
        if due - datetime.now(UTC) > self._interval + timedelta(seconds=1):
            self._reschedule()
        self._watch = asyncio.get_running_loop().call_later(WATCH_S, self._check_clock)
