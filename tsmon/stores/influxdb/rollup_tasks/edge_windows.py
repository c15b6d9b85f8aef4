"""Windows at the edge of the points' retention, which may have lost points since they were rolled up.

They are not replaced by what is left, but combined with it, for each series: a rollup never counts fewer points
than before, and never spans less time. So points of a series that is new to such a window are not lost to it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tsmon.line_protocol.escaping import escape_measurement, escape_tag
from tsmon.stores.influxdb.annotated_csv import Key, parse_rows
from tsmon.stores.influxdb.rollup_tasks.rollup_flux import windows_query
from tsmon.stores.influxdb.rollup_tasks.stored_data import Contents
from tsmon.stores.influxdb.rollups.layout import COUNT, FIRST, LAST, MEAN

if TYPE_CHECKING:
    from tsmon.stores.influxdb.bucket import InfluxBucket
    from tsmon.stores.influxdb.rollups.progress import RolledSpan

__all__ = ["Rollup", "combine", "combine_windows"]

LINES: Final = 5_000
"""Lines of one write."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """The rollup of one window of one field; ``mean`` is None if the field holds no numbers."""

    count: int
    first_ns: int
    last_ns: int
    mean: float | None = None


def combine(stored: Rollup | None, present: Rollup) -> Rollup:
    """What a window has once the points that are present are counted, some of which may be counted already.

    They are all new if they are before or after all that were counted. Otherwise they count for themselves only
    if they are at least as many.
    """
    if stored is None:
        return present
    count, mean = max((present.count, present.mean), (stored.count, stored.mean), key=lambda one: one[0])
    if present.last_ns < stored.first_ns or stored.last_ns < present.first_ns:
        count = stored.count + present.count
        if stored.mean is not None and present.mean is not None:
            mean = (stored.mean * stored.count + present.mean * present.count) / count
    if mean is None:
        mean = present.mean
    first_ns, last_ns = min(stored.first_ns, present.first_ns), max(stored.last_ns, present.last_ns)
    return Rollup(count, first_ns, last_ns, mean)


async def combine_windows(
    bucket: "InfluxBucket", rolled: "RolledSpan", contents: Contents, start_ns: int, stop_ns: int, timeout_s: float
) -> None:
    """Roll up a span of whole windows of one tier without making any rollup that is stored smaller."""
    name, every_ns = rolled.measurement, rolled.every_ns
    query = windows_query(bucket.connection.bucket, name, contents.numbers, every_ns, start_ns, stop_ns)
    stored, present = _parse_rollups(await bucket.query(query, timeout_s=timeout_s))
    lines = []
    for at, one in present.items():
        combined = combine(stored.get(at), one)
        if combined != stored.get(at):
            lines.append(_rollup_line(name, *at, combined))
    for index in range(0, len(lines), LINES):
        text = "\n".join(lines[index : index + LINES])
        await bucket.write_rollups(bucket.rollups.bucket_of(rolled), text.encode())


_At = tuple[Key, str, int]
"""Tags, field and start of a window."""


def _parse_rollups(text: str) -> tuple[dict[_At, Rollup], dict[_At, Rollup]]:
    """Rollups that are stored, and those of the points that are present."""
    found: tuple[dict[_At, dict[str, float]], dict[_At, dict[str, float]]] = {}, {}
    for row in parse_rows(text):
        field, colon, suffix = row.values["_field"].rpartition(":")
        at = row.key, field, row.values["_time"]
        found[row.result != "stored"].setdefault(at, {})[colon + suffix] = row.values["_value"]
    stored, present = (
        {
            at: Rollup(int(one[COUNT]), int(one[FIRST]), int(one[LAST]), one.get(MEAN))
            for at, one in rows.items()
            if {COUNT, FIRST, LAST} <= one.keys()
        }
        for rows in found
    )
    return stored, present


def _rollup_line(measurement: str, key: Key, field: str, time_ns: int, rollup: Rollup) -> str:
    tags = "".join(f",{escape_tag(name)}={escape_tag(value)}" for name, value in key)
    values = {COUNT: f"{rollup.count}i", FIRST: f"{rollup.first_ns}i", LAST: f"{rollup.last_ns}i"}
    if rollup.mean is not None:
        values[MEAN] = repr(float(rollup.mean))
    fields = ",".join(f"{escape_tag(field + suffix)}={value}" for suffix, value in values.items())
    return f"{escape_measurement(measurement)}{tags} {fields} {time_ns}"
