"""Days whose rollups count another number of values than are stored, because points arrived too late."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.queries import condition, quote
from tsmon.stores.influxdb.rollups.layout import COUNT
from tsmon.stores.influxdb.rollups.progress import RolledSpan
from tsmon.time_units import DAY_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket

__all__ = ["find_differing_days"]


async def find_differing_days(bucket: "InfluxBucket", measurement: str, days: int, *, now_ns: int) -> list[int]:
    """Starts of those of the last days in which a tier counts another number of values than are stored.

    Each tier is compared as far as it is rolled up, since a wider one may have counted points that came too late
    for a narrower one. The storage does the counting, so this is cheap. It does not notice overwritten points.
    """
    points_from_ns = -(-(await bucket.points_since_ns()) // DAY_NS) * DAY_NS
    oldest_ns = max((now_ns // DAY_NS - days) * DAY_NS, points_from_ns)
    differing: set[int] = set()
    for one in await bucket.rollups.all():
        if one.measurement != measurement or DAY_NS % one.every_ns:
            continue
        low_ns = max(oldest_ns, one.since_ns)
        if one.keep_ns:
            low_ns = max(low_ns, -(-(time.time_ns() - one.keep_ns) // DAY_NS) * DAY_NS)
        if low_ns < one.until_ns:
            differing.update(await _compare(bucket, one, low_ns))
    return sorted(differing)


async def _compare(bucket: "InfluxBucket", rolled: RolledSpan, low_ns: int) -> Iterable[int]:
    """Days from ``low_ns`` to the end of a tier in which its counts differ from the points."""
    is_mine = condition("_measurement", rolled.measurement)
    text = await bucket.query(
        "\n".join(
            f"from(bucket: {quote(name)})\n"
            f"  |> range(start: time(v: {low_ns}), stop: time(v: {rolled.until_ns}))\n"
            f"  |> filter(fn: (r) => {is_mine}{more})\n"
            f'  |> window(every: 1d)\n  |> {function}()\n  |> keep(columns: ["_start", "_value"])\n  |> group()\n'
            f'  |> yield(name: "{result}")\n'
            for result, name, more, function in (
                ("points", bucket.connection.bucket, "", "count"),
                ("rolled", bucket.rollups.bucket_of(rolled), f" and r._field =~ /{COUNT}$/", "sum"),
            )
        )
    )
    counts: dict[str, dict[int, int]] = {"points": {}, "rolled": {}}
    for row in parse_rows(text):
        of_days, day_ns = counts[row.result], row.values["_start"] // DAY_NS * DAY_NS
        of_days[day_ns] = of_days.get(day_ns, 0) + row.values["_value"]
    points, rolled_up = counts["points"], counts["rolled"]
    return (day for day in points.keys() | rolled_up.keys() if points.get(day, 0) != rolled_up.get(day, 0))
