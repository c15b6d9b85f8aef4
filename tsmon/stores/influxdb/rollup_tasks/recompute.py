"""Recomputation of rollups: of spans with late points, and of all that is stored."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tsmon.errors import StoreError
from tsmon.stores.influxdb.rollup_tasks.edge_windows import combine_windows
from tsmon.stores.influxdb.rollup_tasks.progress_notes import progress_line
from tsmon.stores.influxdb.rollup_tasks.rollup_flux import rollup_query
from tsmon.stores.influxdb.rollup_tasks.stored_data import Contents, query_contents, query_first_time_ns
from tsmon.stores.influxdb.rollups.progress import RolledSpan
from tsmon.stores.influxdb.whole_windows import MIN_TIME_NS
from tsmon.stores.setup_change import ReportProgress
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = ["STEP_TIMEOUT_S", "find_edge", "rebuild", "recompute", "roll_up", "split_span"]

STEP_WINDOWS: Final = 1_000
"""Windows of one step, of each series."""
STEP_TABLES: Final = 100_000
"""Windows of one step, of all series: each is some tables of kilobytes in the server's memory."""
STEP_TIMEOUT_S: Final = 900.0
"""Limit of one step: years of many series take a while to read and write."""
EDGE_NS: Final = round(STEP_TIMEOUT_S) * SECOND_NS
"""The oldest points may expire during the first step."""


async def rebuild(
    bucket: "InfluxBucket",
    measurements: Sequence[str],
    start_ns: int | None,
    stop_ns: int | None,
    report: ReportProgress,
) -> dict[str, int]:
    """Recompute all tiers of some measurements (by default of all); return the number of windows of each.

    Without a start, from the first point on; without a stop, up to now.
    """
    bucket.rollups.forget()
    rolled = await bucket.rollups.all()
    known = sorted({one.measurement for one in rolled})
    if not known:
        raise StoreError(f"nothing is rolled up on {bucket}; run tsmon-agent setup first")
    computed: dict[str, int] = {}
    for name in measurements or known:
        if name not in known:
            raise StoreError(f"{name} is not rolled up; there are {', '.join(known)}")
        first_ns = await query_first_time_ns(bucket, name) if start_ns is None else start_ns
        if first_ns is None:
            continue
        end_ns = time.time_ns() if stop_ns is None else stop_ns
        total = sum(max(end_ns - first_ns, 0) // one.every_ns for one in rolled if one.measurement == name)
        computed[name] = 0

        def add(windows: int, name: str = name, total: int = total) -> None:
            computed[name] += windows
            report(name, min(computed[name], total), total)

        await recompute(bucket, name, first_ns, end_ns, done=add)
    return computed


async def recompute(
    bucket: "InfluxBucket",
    measurement: str,
    start_ns: int,
    stop_ns: int,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Recompute all tiers of a measurement for a span, as far as its points are stored.

    A span from before everything that is rolled up is added to it. Windows from before the points' retention are
    frozen: they keep the values that were computed before. Those at its edge are combined with what is left of
    their points. ``done`` is called with the number of windows of each step.
    """
    bucket.rollups.forget()
    mine = [one for one in await bucket.rollups.all() if one.measurement == measurement]
    if not mine:
        return
    contents = await query_contents(bucket, measurement)
    for one in sorted(mine, key=lambda one: one.every_ns):
        points_from_ns = await bucket.points_since_ns()  # again, since a tier may take hours
        longer = _extend_back(one, start_ns, points_from_ns)
        until_ns = stop_ns if longer is one else one.until_ns
        edge = find_edge(longer, start_ns, until_ns, points_from_ns)
        if edge is not None:
            await combine_windows(bucket, one, contents, *edge, STEP_TIMEOUT_S)
            done((edge[1] - edge[0]) // one.every_ns)
            points_from_ns = edge[1]
        for low_ns, high_ns in split_span(longer, contents, start_ns, until_ns, points_from_ns):
            await roll_up(bucket, one, contents, low_ns, high_ns)
            done((high_ns - low_ns) // one.every_ns)
        if longer is not one:
            await bucket.write(progress_line(longer))
            bucket.rollups.forget()


def _extend_back(rolled: RolledSpan, start_ns: int, points_from_ns: int) -> RolledSpan:
    every_ns = rolled.every_ns
    since_ns = max(start_ns // every_ns, points_from_ns // every_ns) * every_ns
    return replace(rolled, since_ns=since_ns) if since_ns < rolled.since_ns else rolled


def find_edge(rolled: RolledSpan, start_ns: int, stop_ns: int, points_from_ns: int) -> tuple[int, int] | None:
    """The windows of a span of which retention may have removed points, or may do so while they are computed."""
    if points_from_ns == MIN_TIME_NS:
        return None
    every_ns = rolled.every_ns
    low_ns = max(points_from_ns, start_ns, rolled.since_ns) // every_ns * every_ns
    if rolled.keep_ns:
        low_ns = max(low_ns, -(-(time.time_ns() - rolled.keep_ns) // every_ns) * every_ns)
    high_ns = -(-(points_from_ns + EDGE_NS) // every_ns) * every_ns
    high_ns = min(high_ns, -(-stop_ns // every_ns) * every_ns, rolled.until_ns)
    return (low_ns, high_ns) if low_ns < high_ns else None


async def roll_up(
    bucket: "InfluxBucket", rolled: RolledSpan, contents: Contents, start_ns: int, stop_ns: int
) -> None:
    """Roll up a span of whole windows of one tier."""
    flux = rollup_query(
        bucket.connection.bucket, rolled.measurement, contents.numbers, rolled.every_ns, start_ns, stop_ns
    )
    await bucket.query(flux, timeout_s=STEP_TIMEOUT_S)


def split_span(
    rolled: RolledSpan, contents: Contents, start_ns: int, stop_ns: int, points_from_ns: int
) -> Iterator[tuple[int, int]]:
    """Split a span into steps of some windows each, as far as the span is rolled up and not frozen."""
    every_ns = rolled.every_ns
    low_ns = max(start_ns // every_ns, rolled.since_ns // every_ns, -(-points_from_ns // every_ns)) * every_ns
    high_ns = min(-(-stop_ns // every_ns) * every_ns, rolled.until_ns)
    if rolled.keep_ns:
        low_ns = max(low_ns, -(-(time.time_ns() - rolled.keep_ns) // every_ns) * every_ns)
    step_ns = min(max(STEP_TABLES // max(contents.series, 1), 1), STEP_WINDOWS) * every_ns
    for at_ns in range(low_ns, high_ns, step_ns):
        yield at_ns, min(at_ns + step_ns, high_ns)
