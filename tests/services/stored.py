"""What a bucket of the real InfluxDB holds, read without loss.

Flux's CSV turns line feeds within texts into CRLF, drops carriage returns and has no type for a tag's name; so
each record travels as JSON, which Flux encodes itself.
"""

import csv
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.services.influxdb import InfluxDB

__all__ = ["Stored", "stored"]

QUERY: Final = """
import "json"
import "types"

kind = (v) =>
    if types.isType(v: v, type: "float") then "float"
    else if types.isType(v: v, type: "int") then "int"
    else if types.isType(v: v, type: "uint") then "uint"
    else if types.isType(v: v, type: "bool") then "bool"
    else "str"

from(bucket: "{bucket}")
    |> range(start: time(v: -9223372036854775806), stop: time(v: 9223372036854775807))
    |> map(fn: (r) => ({{r with _kind: kind(v: r._value), _ns: int(v: r._time)}}))
    |> map(fn: (r) => ({{row: string(v: json.encode(v: r))}}))
"""
CONVERT: Final[dict[str, Callable[[Any], Any]]] = {
    "float": float,
    "int": int,
    "uint": int,
    "bool": bool,
    "str": str,
}
COLUMNS: Final = {"_start", "_stop", "_time", "_value", "_field", "_measurement", "_kind", "_ns"}


class Stored(NamedTuple):
    """One field of one point; ``kind`` is float, int, uint, bool or str."""

    measurement: str
    tags: frozenset[tuple[str, str]]
    field: str
    kind: str
    value: str | float | int | bool
    time_ns: int


def stored(server: InfluxDB, bucket: str) -> set[Stored]:
    """Everything in ``bucket``, but for points at the very last nanosecond, which no Flux range includes."""
    limit = csv.field_size_limit(8 * 2**20)
    try:
        found = server.flux(QUERY.format(bucket=bucket))
    finally:
        csv.field_size_limit(limit)
    # Integers as text at first: a float that is whole has no point in JSON, and -0 would lose its sign.
    return {_record(json.loads(record["row"], parse_int=str)) for record in found}


def _record(row: dict[str, Any]) -> Stored:
    return Stored(
        measurement=row["_measurement"],
        tags=frozenset((key, value) for key, value in row.items() if key not in COLUMNS),
        field=row["_field"],
        kind=row["_kind"],
        value=CONVERT[row["_kind"]](row["_value"]),
        time_ns=int(row["_ns"]),
    )
