"""Rollups in the embedded store: marked by writes, recomputed from what is stored, read in place of points."""

from tsmon.stores.sqlite.rollups.layout import Layout, Level, mark_all, marked_s
from tsmon.stores.sqlite.rollups.marking import Marking
from tsmon.stores.sqlite.rollups.refresh import refresh
from tsmon.stores.sqlite.rollups.segments import Segment, Segments

__all__ = ["Layout", "Level", "Marking", "Segment", "Segments", "mark_all", "marked_s", "refresh"]
