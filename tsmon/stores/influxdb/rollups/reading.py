"""Answers from rollups: bins, and means weighted by their counts."""

from itertools import pairwise

from tsmon.stores.base import Bin, Selector, Series
from tsmon.stores.influxdb.annotated_csv import rows
from tsmon.stores.influxdb.flux import source
from tsmon.stores.influxdb.rollups.names import COUNT, FIRST, LAST, MEAN

__all__ = ["bins_of", "rolled_bins_query", "rolled_series_query", "series_of"]

Key = tuple[tuple[str, str], ...]


def rolled_bins_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``, with a row per series and window: its start and the value."""
    return "\n".join(
        f"{source(bucket, _field(selector, suffix), start_ns, stop_ns)}"
        f"  |> window(every: {every_ns}ns)\n  |> {function}()\n"
        f'  |> keep(columns: ["_start", "_value"])\n  |> group()\n  |> yield(name: "{name}")\n'
        for name, suffix, function in (("count", COUNT, "sum"), ("first", FIRST, "min"), ("last", LAST, "max"))
    )


def windows_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int) -> str:
    """Results ``count``, ``first`` and ``last``, with a value for each rollup, series after series."""
    return "\n".join(
        f'{source(bucket, _field(selector, suffix), start_ns, stop_ns)}  |> keep(columns: ["_value"])\n'
        f'  |> yield(name: "{name}")\n'
        for name, suffix in (("count", COUNT), ("first", FIRST), ("last", LAST))
    )


def windows_of(text: str, every_ns: int) -> list[Bin] | None:
    """Bins of what :func:`windows_query` answers; None where that is more than the windows of one series."""
    columns: dict[str, list[int]] = {"count": [], "first": [], "last": []}
    for table in filter(None, text.split("\r\n\r\n")):
        lines = table.strip("\r\n").split("\r\n")
        name = lines[2].split(",")[1] if len(lines) > 3 and lines[2].startswith("#default,") else ""
        if name not in columns or lines[3] != ",result,table,_value":
            return None
        columns[name] += [int(line.rpartition(",")[2]) for line in lines[4:]]
    counts, firsts, lasts = columns.values()
    numbers = [first // every_ns for first in firsts]
    if not len(counts) == len(firsts) == len(lasts) or any(after <= before for before, after in pairwise(numbers)):
        return None
    return [
        Bin(number * every_ns, first, last, count)
        for number, first, last, count in zip(numbers, firsts, lasts, counts, strict=True)
    ]


def bins_of(text: str, every_ns: int) -> list[Bin]:
    """What :func:`rolled_bins_query` answers, all series together."""
    found: dict[int, list[int]] = {}
    for row in rows(text):
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


def rolled_series_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int) -> str:
    """Results ``mean`` and ``count``, with a row per series and rollup."""
    return "\n".join(
        f'{source(bucket, _field(selector, suffix), start_ns, stop_ns)}  |> yield(name: "{name}")\n'
        for name, suffix in (("mean", MEAN), ("count", COUNT))
    )


def series_of(text: str, every_ns: int) -> list[Series]:
    """What :func:`rolled_series_query` answers: the mean of each window of ``every_ns`` of each series."""
    means: dict[tuple[Key, int], float] = {}
    counts: dict[tuple[Key, int], int] = {}
    for row in rows(text):
        at = tuple(sorted(row.tags.items())), row.values["_time"]
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


def _field(selector: Selector, suffix: str) -> Selector:
    return Selector(selector.measurement, selector.field + suffix, selector.tags)
