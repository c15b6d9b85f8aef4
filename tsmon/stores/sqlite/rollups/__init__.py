"""Rollups in the embedded store: marked as outdated by writes, recomputed from what is stored, read by queries."""

from tsmon.stores.sqlite.rollups.dirty_marks import DirtyMarks
from tsmon.stores.sqlite.rollups.layout import Layout, TierLayout, count_marked_s, drop_tier, mark_all
from tsmon.stores.sqlite.rollups.read_plan import ReadPlan, Segment
from tsmon.stores.sqlite.rollups.refresh import refresh, roll_up
from tsmon.stores.sqlite.rollups.removed_points import RemovedPoints

__all__ = [
    "DirtyMarks",
    "Layout",
    "ReadPlan",
    "RemovedPoints",
    "Segment",
    "TierLayout",
    "count_marked_s",
    "drop_tier",
    "mark_all",
    "refresh",
    "roll_up",
]
