"""What a bucket contains, as far as rolling it up depends on it: measurements, their fields, their first points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.queries import condition, quote
from tsmon.stores.influxdb.rollups.layout import PROGRESS
from tsmon.stores.influxdb.whole_windows import MAX_TIME_NS, MIN_TIME_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = ["Contents", "query_contents", "query_first_time_ns", "query_measurements"]


@dataclass(frozen=True, slots=True)
class Contents:
    """Names of a measurement's fields that have means, and its number of series."""

    numbers: list[str]
    series: int


async def query_measurements(bucket: "InfluxBucket") -> list[str]:
    """Names of all measurements, without that of the rollups' progress."""
    text = await bucket.query(
        'import "influxdata/influxdb/schema"\n\n'
        f"schema.measurements(bucket: {quote(bucket.connection.bucket)}, start: time(v: {MIN_TIME_NS}))\n"
    )
    return sorted(row.values["_value"] for row in parse_rows(text) if row.values["_value"] != PROGRESS)


async def query_contents(bucket: "InfluxBucket", measurement: str) -> Contents:
    """Fields and series of a measurement."""
    text = await bucket.query(
        f"from(bucket: {quote(bucket.connection.bucket)})\n"
        f"  |> range(start: time(v: {MIN_TIME_NS}), stop: time(v: {MAX_TIME_NS}))\n"
        f"  |> filter(fn: (r) => {condition('_measurement', measurement)})\n"
        "  |> last()\n"
        '  |> keep(columns: ["_field", "_value"])\n'
    )
    newest = list(parse_rows(text))
    numeric = {"double", "long", "unsignedLong"}
    numbers = {row.values["_field"] for row in newest if row.types["_value"] in numeric}
    return Contents(sorted(numbers), len(newest))


async def query_first_time_ns(bucket: "InfluxBucket", measurement: str, fields: Sequence[str] = ()) -> int | None:
    """Time of the oldest point of a measurement, or of some of its fields; None if there is none."""
    named = " or ".join(condition("_field", field) for field in fields)
    text = await bucket.query(
        f"from(bucket: {quote(bucket.connection.bucket)})\n"
        f"  |> range(start: time(v: {MIN_TIME_NS}), stop: time(v: {MAX_TIME_NS}))\n"
        f"  |> filter(fn: (r) => {condition('_measurement', measurement)}{f' and ({named})' if named else ''})\n"
        "  |> first()\n"
        '  |> keep(columns: ["_time"])\n'
        "  |> group()\n"
        '  |> min(column: "_time")\n'
    )
    return next((row.values["_time"] for row in parse_rows(text)), None)
