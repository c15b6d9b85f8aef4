"""Rollups in the embedded store: marked by writes, recomputed from what is stored, read in place of points."""

from tsmon.stores.sqlite.rollups.dirty_marks import Marking
from tsmon.stores.sqlite.rollups.layout import Layout, TierLayout, mark_all, marked_s
from tsmon.stores.sqlite.rollups.read_plan import Segment, Segments
from tsmon.stores.sqlite.rollups.refresh import refresh

__all__ = ["Layout", "Marking", "Segment", "Segments", "TierLayout", "mark_all", "marked_s", "refresh"]
