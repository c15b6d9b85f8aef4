"""Rollups in InfluxDB: made by tasks of the server, read in place of points."""

from tsmon.stores.influxdb.rollups.names import rung_bucket
from tsmon.stores.influxdb.rollups.reading import bins_of, rolled_bins_query, rolled_series_query, series_of
from tsmon.stores.influxdb.rollups.recompute import differing_days, first_time_ns, recompute
from tsmon.stores.influxdb.rollups.setup import Change, changes_needed, measurements
from tsmon.stores.influxdb.rollups.states import Rolled, States
from tsmon.stores.influxdb.rollups.written import WrittenSpans

__all__ = [
    "Change",
    "Rolled",
    "States",
    "WrittenSpans",
    "bins_of",
    "changes_needed",
    "differing_days",
    "first_time_ns",
    "measurements",
    "recompute",
    "rolled_bins_query",
    "rolled_series_query",
    "rung_bucket",
    "series_of",
]
