"""When to flush: every period, by APScheduler."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

__all__ = ["FlushSchedule", "check_period"]

JOB: Final = "flush"
SHORTEST_S: Final = 0.001
LONGEST: Final = timedelta(days=36_500)
WATCH_S: Final = 30.0


def check_period(seconds: float) -> None:
    """Raise :class:`ValueError` unless this can be a flushing period; any large number can, infinity too."""
    if not seconds >= SHORTEST_S:
        raise ValueError(f"the flushing period is {seconds} s; give at least {SHORTEST_S}")


class FlushSchedule:
    """Calls ``flush`` every ``period_s`` seconds; it should return at once."""

    def __init__(self, flush: Callable[[], Awaitable[None]], period_s: float) -> None:
        check_period(period_s)
        self._flush = flush
        self._period_s = period_s
        self._scheduler: AsyncIOScheduler | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def period_s(self) -> float:
        """Seconds between two flushes."""
        return self._period_s

    def start(self) -> None:
        """Begin, on the running loop; the first flush is one period away."""
        from apscheduler.executors.asyncio import AsyncIOExecutor
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        # APScheduler logs each run of each job as INFO, under names that include the executor's.
        quiet = logging.getLogger("apscheduler.executors.tsmon")
        quiet.setLevel(logging.WARNING)
        loop = asyncio.get_running_loop()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, event_loop=loop, executors={"tsmon": AsyncIOExecutor()}, logger=quiet
        )
        self._scheduler.add_job(
            self._flush,
            "interval",
            id=JOB,
            seconds=self._interval.total_seconds(),
            executor="tsmon",
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self._watch = loop.call_later(WATCH_S, self._look_at_clock)

    def change(self, period_s: float) -> None:
        """Flush every so many seconds from now on; from any thread, before the start too."""
        check_period(period_s)
        self._period_s = period_s
        self._reschedule()

    def stop(self) -> None:
        """Call no more; safe to call more than once."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=min(self._period_s, LONGEST.total_seconds()))

    def _reschedule(self) -> None:
        scheduler = self._scheduler
        if scheduler is not None:
            scheduler.reschedule_job(JOB, trigger="interval", seconds=self._interval.total_seconds())

    def _look_at_clock(self) -> None:
        """APScheduler goes by the wall clock: where that was set back by an hour, nothing would come for one."""
        if self._scheduler is None:
            return
        due = self._scheduler.get_job(JOB).next_run_time
        if due - datetime.now(UTC) > self._interval + timedelta(seconds=1):
            self._reschedule()
        self._watch = asyncio.get_running_loop().call_later(WATCH_S, self._look_at_clock)
