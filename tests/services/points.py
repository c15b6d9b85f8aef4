"""Numbered points, and which of them InfluxDB has."""

from tests.services.influxdb import InfluxDB
from tsmon import Point

__all__ = ["Numbered", "stored"]


class Numbered(Point, measurement="numbered"):
    """A point that is told from all others by its number."""

    n: int
    text: str | None = None


def stored(influxdb: InfluxDB, bucket: str) -> list[int]:
    """Numbers of all points of the bucket, sorted; what was stored twice with two times is there twice."""
    query = (
        f'from(bucket: "{bucket}") |> range(start: 0) |> filter(fn: (r) => r._field == "n") '
        '|> group() |> keep(columns: ["_value"])'
    )
    return sorted(row["_value"] for row in influxdb.flux(query))
