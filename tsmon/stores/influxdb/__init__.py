"""InfluxDB 2.x as a store."""

from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.store import InfluxStore

__all__ = ["InfluxConnection", "InfluxStore"]
