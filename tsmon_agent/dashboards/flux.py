"""Flux of the panels with measured figures, and of the variables.

Literal comparisons and windows come first, in the order that InfluxDB pushes down to its storage, so that only one
row per series and window leaves the storage. Grafana replaces ``v.…`` and ``${name:regex}``.
"""

from collections.abc import Mapping

from tsmon.points import Point
from tsmon.stores.influxdb.queries import quote
from tsmon_agent.dashboards.columns import field, measurement, tag

__all__ = [
    "differs",
    "equals",
    "matches_variable",
    "means",
    "newest",
    "newest_ratio",
    "newest_table",
    "rates",
    "read",
    "tag_values",
]


def matches_variable(variable: str) -> str:
    """Condition on a tag: one of the selected values of a variable of the dashboard."""
    return f"=~ /^${{{variable}:regex}}$/"


def equals(value: str) -> str:
    """Condition on a tag: this value."""
    return f"== {quote(value)}"


def differs(value: str) -> str:
    """Condition on a tag: any other value."""
    return f"!= {quote(value)}"


def read(
    point: type[Point],
    *fields: str,
    where: Mapping[str, str],
    start: str = "v.timeRangeStart",
    stop: str = "v.timeRangeStop",
) -> str:
    """Pipeline that reads fields (by default all) where tags meet conditions; fields and tags by attribute."""
    named = " or ".join(f'r["_field"] == {quote(field(point, attribute))}' for attribute in fields)
    if len(fields) > 1:
        named = f"({named})"
    of_fields = f" and {named}" if named else ""
    conditions = " and ".join(f"r[{quote(tag(point, attribute))}] {how}" for attribute, how in where.items())
    return (
        "from(bucket: v.defaultBucket)\n"
        f"  |> range(start: {start}, stop: {stop})\n"
        f'  |> filter(fn: (r) => r["_measurement"] == {quote(measurement(point))}{of_fields})\n'
        f"  |> filter(fn: (r) => {conditions})\n"
    )


def means(reading: str) -> str:
    """Mean per window; null in windows without points, which appear as gaps."""
    return f"{reading}  |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: true)\n"


def rates(reading: str, unit: str = "1s") -> str:
    """Increase of a counter per ``unit``; null in windows without points, and where the counter was reset.

    The newest point of each window keeps its own time. With the end of the window instead, as in
    ``aggregateWindow(fn: last)``, rates fluctuate by the ratio of sampling interval to window, and the rate of the
    last, incomplete window is far too high.
    """
    return (
        f"{reading}  |> window(every: v.windowPeriod)\n"
        "  |> last()\n"
        "  |> window(every: inf)\n"
        f"  |> derivative(unit: {unit}, nonNegative: true)\n"
        "  |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: true)\n"
    )


def newest(reading: str) -> str:
    """Newest value of each series, with its time."""
    return f"{reading}  |> last()\n"


def largest(reading: str, point: type[Point], *, by: str) -> str:
    """Largest value for each value of the tag ``by``, with its time."""
    kept = quote(tag(point, by))
    return f'{reading}  |> group(columns: [{kept}])\n  |> max()\n  |> keep(columns: [{kept}, "_time", "_value"])\n'


def newest_ratio(point: type[Point], over: str, under: str, *, where: Mapping[str, str], by: str) -> str:
    """Newest value of the field ``over``, divided by that of ``under``, for each value of the tag ``by``."""
    kept = quote(tag(point, by))
    share = f"r[{quote(field(point, over))}] / r[{quote(field(point, under))}]"
    return (
        f"{newest(read(point, over, under, where=where))}"
        "  |> toFloat()\n"
        f"  |> group(columns: [{kept}])\n"
        '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
        f"  |> map(fn: (r) => ({{{kept}: r[{kept}], _time: r._time, _value: {share}}}))\n"
    )


def newest_table(point: type[Point], *fields: str, where: Mapping[str, str], by: tuple[str, ...]) -> str:
    """One table: a row for each combination of the tags ``by``, a column for the newest value of each field."""
    tags = ", ".join(quote(tag(point, attribute)) for attribute in by)
    columns = ", ".join(quote(field(point, attribute)) for attribute in fields)
    return (
        f"{newest(read(point, *fields, where=where))}"
        "  |> toFloat()\n"
        f"  |> group(columns: [{tags}])\n"
        f'  |> pivot(rowKey: [{tags}], columnKey: ["_field"], valueColumn: "_value")\n'
        "  |> group()\n"
        f"  |> keep(columns: [{tags}, {columns}])\n"
    )


def tag_values(point: type[Point], attribute: str, *, where: Mapping[str, str] | None = None) -> str:
    """Values of a tag in the time range, extended to whole shards of the server, for a variable."""
    conditions = [f'r["_measurement"] == {quote(measurement(point))}']
    conditions += [f"r[{quote(tag(point, one))}] {how}" for one, how in (where or {}).items()]
    return (
        'import "influxdata/influxdb/schema"\n\n'
        "schema.tagValues(\n"
        "  bucket: v.defaultBucket,\n"
        f"  tag: {quote(tag(point, attribute))},\n"
        f"  predicate: (r) => {' and '.join(conditions)},\n"
        "  start: v.timeRangeStart,\n"
        "  stop: v.timeRangeStop,\n"
        ")\n"
    )
