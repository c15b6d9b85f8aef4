"""The values of a chart, queried from the store and laid out for drawing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from tsmon.stores import Selector, Series, Store
from tsmon.stores.concurrent_queries import query_together
from tsmon.time_units import MILLISECOND_NS
from tsmon_agent.web.host.chart_ranges import Resolution
from tsmon_agent.web.host.charts import Chart, Line
from tsmon_agent.web.host.counter_rates import compute_rates

__all__ = ["ChartData", "ChartSeries", "query_chart"]

OWNERS_SHOWN = 6
"""Of more devices, interfaces or disks, only those with the greatest means are drawn."""

Values = dict[int, float]


class ChartSeries(msgspec.Struct, frozen=True):
    """One line; ``owner`` is a device, interface or disk, or empty. A value of None is a gap."""

    id: str
    part: str
    owner: str
    values: list[float | None]


class ChartData(msgspec.Struct, frozen=True, rename="camel"):
    """Lines over shared times, in milliseconds; ``gap`` and ``overlap`` are those of the resolution."""

    chart: str
    stop: float
    gap: float
    overlap: float
    times: list[float]
    series: list[ChartSeries]
    omitted: int
    """Devices, interfaces or disks that are not drawn."""


async def query_chart(
    store: Store,
    chart: Chart,
    host: str,
    resolution: Resolution,
    *,
    start_ns: int,
    stop_ns: int,
    most: int = OWNERS_SHOWN,
) -> ChartData:
    """Values between two times, of ``most`` owners; raises :class:`~tsmon.errors.StoreError`."""
    every_ns = resolution.every_ns
    start_ns -= start_ns % every_ns
    if chart.counters and resolution.windowed:
        start_ns -= 2 * every_ns
    tags = {"host": host, **chart.tags}
    async with query_together() as group:
        tasks = {
            field: group.create_task(
                store.series(
                    Selector(chart.measurement, field, tags), start_ns=start_ns, stop_ns=stop_ns, every_ns=every_ns
                )
            )
            for field in chart.fields
        }
    fields = {field: _group_by_owner(chart, task.result(), every_ns, stop_ns) for field, task in tasks.items()}
    owners = sorted({owner for by_owner in fields.values() for owner in by_owner})
    lines = {
        (owner, line): _compute_line(
            chart, _sum([fields[field].get(owner, {}) for field in line.fields]), resolution, stop_ns
        )
        for owner in owners
        for line in chart.lines
    }
    greatest = _find_greatest(owners, lines, most)
    kept = {(owner, line): values for (owner, line), values in lines.items() if owner in greatest}
    times = _insert_gaps(sorted(set().union(*kept.values())), resolution)
    return ChartData(
        chart=chart.name,
        stop=stop_ns / MILLISECOND_NS,
        gap=resolution.gap_ns / MILLISECOND_NS,
        overlap=resolution.overlap_ns / MILLISECOND_NS,
        times=[time_ns / MILLISECOND_NS for time_ns in times],
        series=[
            ChartSeries(chart.series_id(line, owner), line.part, owner, [_shorten(values.get(t)) for t in times])
            for (owner, line), values in kept.items()
        ],
        omitted=len(owners) - len(greatest),
    )


def _group_by_owner(chart: Chart, answer: Iterable[Series], every_ns: int, stop_ns: int) -> dict[str, Values]:
    """Values of each owner by the middle of their windows.

    Series that differ in other tags are one line, as those of a disk that was remounted with another mode.
    """
    found: dict[str, Values] = defaultdict(dict)
    for series in answer:
        values = found[series.tags.get(chart.by, "") if chart.by else ""]
        for start_ns, value in zip(series.times_ns, series.values, strict=True):
            values[(start_ns + min(start_ns + every_ns, stop_ns)) // 2] = value
    return found


def _sum(fields: Sequence[Values]) -> Values:
    common = set(fields[0]).intersection(*fields[1:])
    return {time_ns: sum(values[time_ns] for values in fields) for time_ns in common}


def _compute_line(chart: Chart, values: Values, resolution: Resolution, stop_ns: int) -> Values:
    if not chart.counters:
        return values
    readings = sorted(values.items())
    if resolution.windowed:
        readings = _drop_partial(readings, resolution, stop_ns)
    return dict(compute_rates(readings, resolution.gap_ns))


def _drop_partial(
    readings: Sequence[tuple[int, float]], resolution: Resolution, stop_ns: int
) -> list[tuple[int, float]]:
    """Readings of windows that are certainly full: they have ended, and have no gap before or after them.

    The mean of a counter over a part of its window belongs to an unknown time, so it gives no rate.
    """
    every_ns = resolution.every_ns
    filled = {time_ns // every_ns for time_ns, _ in readings} | {stop_ns // every_ns}
    return [
        (time_ns, value)
        for time_ns, value in readings
        if time_ns < stop_ns - stop_ns % every_ns and {time_ns // every_ns - 1, time_ns // every_ns + 1} <= filled
    ]


def _find_greatest(owners: Sequence[str], lines: Mapping[tuple[str, Line], Values], most: int) -> set[str]:
    if len(owners) <= most:
        return set(owners)
    means: dict[str, float] = defaultdict(float)
    for (owner, _), values in lines.items():
        means[owner] += sum(values.values()) / max(len(values), 1)
    return set(sorted(owners, key=lambda owner: -means[owner])[:most])


def _insert_gaps(times: Sequence[int], resolution: Resolution) -> list[int]:
    """The times, with one more in each gap, at which no series has a value."""
    if not times:
        return []
    filled = [times[0]]
    for before, time_ns in pairwise(times):
        if time_ns - before > resolution.gap_ns:
            filled.append(before + resolution.step_ns)
        filled.append(time_ns)
    return filled


def _shorten(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
