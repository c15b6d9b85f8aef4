"""Gaps and sparsity computed by InfluxDB, as :func:`~tsmon.availability.query_availability` computes them."""

from tsmon.availability.flux.query import build_availability_query
from tsmon.availability.flux.report import compute_availability_in_influxdb

__all__ = ["build_availability_query", "compute_availability_in_influxdb"]
