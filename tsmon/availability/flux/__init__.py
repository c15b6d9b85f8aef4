"""Gaps and sparsity told by InfluxDB itself, as :func:`~tsmon.availability.availability_of` tells them."""

from tsmon.availability.flux.query import availability_query
from tsmon.availability.flux.report import availability_by_influxdb

__all__ = ["availability_by_influxdb", "availability_query"]
