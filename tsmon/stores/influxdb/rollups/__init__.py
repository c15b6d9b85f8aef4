"""Rollups in InfluxDB: where they are stored, how far they reach, how they are read."""

from tsmon.stores.influxdb.rollups.columns import columns_query, parse_columns
from tsmon.stores.influxdb.rollups.layout import tier_bucket
from tsmon.stores.influxdb.rollups.progress import RolledSpan, RollupProgress
from tsmon.stores.influxdb.rollups.reading import (
    parse_rolled_bins,
    parse_rolled_series,
    rolled_bins_query,
    rolled_counts_query,
    rolled_series_query,
)

__all__ = [
    "RolledSpan",
    "RollupProgress",
    "columns_query",
    "parse_columns",
    "parse_rolled_bins",
    "parse_rolled_series",
    "rolled_bins_query",
    "rolled_counts_query",
    "rolled_series_query",
    "tier_bucket",
]
