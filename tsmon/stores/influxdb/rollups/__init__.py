"""Rollups in InfluxDB, read in place of points."""

from tsmon.stores.influxdb.rollups.layout import tier_bucket
from tsmon.stores.influxdb.rollups.progress import RolledSpan, RollupProgress
from tsmon.stores.influxdb.rollups.reading import bins_of, rolled_bins_query, rolled_series_query, series_of

__all__ = [
    "RolledSpan",
    "RollupProgress",
    "bins_of",
    "rolled_bins_query",
    "rolled_series_query",
    "series_of",
    "tier_bucket",
]
