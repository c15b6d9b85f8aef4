"""The server's own tasks that make rollups: set up, named, caught up with."""

from tsmon.stores.influxdb.rollup_tasks.recompute import differing_days, first_time_ns, recompute
from tsmon.stores.influxdb.rollup_tasks.setup import Change, changes_needed, measurements
from tsmon.stores.influxdb.rollup_tasks.written_spans import WrittenSpans

__all__ = [
    "Change",
    "WrittenSpans",
    "changes_needed",
    "differing_days",
    "first_time_ns",
    "measurements",
    "recompute",
]
