"""The server's tasks that compute rollups: their setup, and what their runs leave to be done."""

from tsmon.stores.influxdb.rollup_tasks.count_comparison import find_differing_days
from tsmon.stores.influxdb.rollup_tasks.progress_notes import progress_line
from tsmon.stores.influxdb.rollup_tasks.recompute import rebuild, recompute
from tsmon.stores.influxdb.rollup_tasks.retention import read_retention
from tsmon.stores.influxdb.rollup_tasks.setup import (
    find_bucket_changes,
    find_changes,
    find_missing_tasks,
)
from tsmon.stores.influxdb.rollup_tasks.upkeep import RollupUpkeep, backfill
from tsmon.stores.influxdb.rollup_tasks.written_spans import WrittenSpans

__all__ = [
    "RollupUpkeep",
    "WrittenSpans",
    "backfill",
    "find_bucket_changes",
    "find_changes",
    "find_differing_days",
    "find_missing_tasks",
    "progress_line",
    "read_retention",
    "rebuild",
    "recompute",
]
