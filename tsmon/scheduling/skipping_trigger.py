"""A trigger for APScheduler that skips missed runs."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

__all__ = ["SkippingTrigger"]


class SkippingTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires every ``interval``, in step with the first time; the next time is always in the future.

    APScheduler's own IntervalTrigger walks through every missed run one by one and keeps them in a list. With a
    period of one second, a host that boots with the clock at 1970 and then gets the date would be busy for hours.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first time after ``now`` in step with the previous one."""
        if previous_fire_time is None:
            return now + self._interval
        missed = max((now - previous_fire_time) // self._interval, 0)
        return previous_fire_time + (missed + 1) * self._interval
