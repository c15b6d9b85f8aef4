"""Queries that aggregate rollups to wider windows: bins, counts, and means weighted by their counts."""

from tsmon.stores.influxdb.annotated_csv import Key, parse_rows
from tsmon.stores.influxdb.queries import counts_query, source
from tsmon.stores.influxdb.rollups.layout import COUNT, FIRST, LAST, MEAN, rolled_field
from tsmon.stores.query_types import Bin, Selector, Series

__all__ = [
    "parse_rolled_bins",
    "parse_rolled_series",
    "rolled_bins_query",
    "rolled_counts_query",
    "rolled_series_query",
]


def rolled_bins_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``, with a row per series and window: its start and the value."""
    return "\n".join(
        f"{source(bucket, rolled_field(selector, suffix), start_ns, stop_ns)}"
        f"  |> window(every: {every_ns}ns)\n  |> {function}()\n"
        f'  |> keep(columns: ["_start", "_value"])\n  |> group()\n  |> yield(name: "{name}")\n'
        for name, suffix, function in (("count", COUNT, "sum"), ("first", FIRST, "min"), ("last", LAST, "max"))
    )


def parse_rolled_bins(text: str, every_ns: int) -> list[Bin]:
    """Bins in the response to :func:`rolled_bins_query`, of all series together."""
    found: dict[int, list[int]] = {}
    for row in parse_rows(text):
        start_ns = row.values["_start"] // every_ns * every_ns
        value = row.values["_value"]
        first, last, count = found.setdefault(start_ns, [2**63, -(2**63), 0])
        if row.result == "count":
            count += value
        elif row.result == "first":
            first = min(first, value)
        else:
            last = max(last, value)
        found[start_ns] = [first, last, count]
    return [Bin(start_ns, *one) for start_ns, one in sorted(found.items()) if one[2]]


def rolled_counts_query(
    buckets: tuple[str, str], selector: Selector, span: tuple[int, int], rolled: tuple[int, int]
) -> str:
    """A row per series with the number of its values in a span.

    ``buckets`` are those of the points and of the rollups; ``rolled`` is the part of the span to read from rollups.
    """
    points, tier = buckets
    parts = [counts_query(tier, rolled_field(selector, COUNT), *rolled, function="sum")]
    parts += [
        counts_query(points, selector, start_ns, stop_ns)
        for start_ns, stop_ns in ((span[0], rolled[0]), (rolled[1], span[1]))
        if start_ns < stop_ns
    ]
    if len(parts) == 1:
        return parts[0]
    named = "".join(f"part{number} = {part}" for number, part in enumerate(parts))
    tables = ", ".join(f"part{number}" for number in range(len(parts)))
    return f'{named}union(tables: [{tables}])\n  |> group(columns: ["_value"], mode: "except")\n  |> sum()\n'


def rolled_series_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int) -> str:
    """Results ``mean`` and ``count``, with a row per series and rollup."""
    return "\n".join(
        f'{source(bucket, rolled_field(selector, suffix), start_ns, stop_ns)}  |> yield(name: "{name}")\n'
        for name, suffix in (("mean", MEAN), ("count", COUNT))
    )


def parse_rolled_series(text: str, every_ns: int) -> list[Series]:
    """Means of windows of ``every_ns`` of each series, from the response to :func:`rolled_series_query`."""
    means: dict[tuple[Key, int], float] = {}
    counts: dict[tuple[Key, int], int] = {}
    for row in parse_rows(text):
        at = row.key, row.values["_time"]
        if row.result == "mean":
            means[at] = row.values["_value"]
        else:
            counts[at] = row.values["_value"]
    sums: dict[Key, dict[int, tuple[float, int]]] = {}
    for (key, time_ns), mean in sorted(means.items()):
        windows = sums.setdefault(key, {})
        count = counts.get((key, time_ns), 1)
        total, number = windows.get(time_ns // every_ns, (0.0, 0))
        windows[time_ns // every_ns] = total + mean * count, number + count
    return [
        Series(dict(key), [number * every_ns for number in windows], [total / n for total, n in windows.values()])
        for key, windows in sums.items()
    ]
