"""Rollups in InfluxDB, read in place of points."""

from tsmon.stores.influxdb.rollups.layout import rung_bucket
from tsmon.stores.influxdb.rollups.progress import Rolled, States
from tsmon.stores.influxdb.rollups.reading import bins_of, rolled_bins_query, rolled_series_query, series_of

__all__ = [
    "Rolled",
    "States",
    "bins_of",
    "rolled_bins_query",
    "rolled_series_query",
    "rung_bucket",
    "series_of",
]
