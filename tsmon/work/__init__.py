"""What is measured about a piece of work while it is done: times, counts, additional data, work in progress."""

from tsmon.work.gathering import WorkData, collecting, count_exceptions, current_work, timed
from tsmon.work.in_progress import counting_in_progress

__all__ = ["WorkData", "collecting", "count_exceptions", "counting_in_progress", "current_work", "timed"]
