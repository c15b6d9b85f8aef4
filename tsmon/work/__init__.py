"""Measurements of a piece of work (a request, a task): times, counts, additional data, work in progress."""

from tsmon.work.carrying import carry_work
from tsmon.work.in_progress import InProgressCounter
from tsmon.work.measuring import count_exceptions, timed
from tsmon.work.timing import Timing
from tsmon.work.work_data import WorkData, current_work, measure_work

__all__ = [
    "InProgressCounter",
    "Timing",
    "WorkData",
    "carry_work",
    "count_exceptions",
    "current_work",
    "measure_work",
    "timed",
]
