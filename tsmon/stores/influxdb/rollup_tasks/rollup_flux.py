"""Flux that rolls up a measurement, once or as a task of the server.

The storage computes count, first, last and mean of each window, each with its own ``from``. Windows are always
computed whole, from everything that is stored of them, so rolling up is idempotent. It is quick because the many
small tables of a series are joined before anything else is done to them.
"""

from collections.abc import Sequence
from typing import Final

from tsmon.stores.influxdb.queries import condition, quote
from tsmon.stores.influxdb.rollups.layout import COUNT, FIRST, LAST, MEAN, PROGRESS, tier_bucket, tier_name

__all__ = [
    "VERSION",
    "is_too_wide",
    "rollup_query",
    "task_flux",
    "task_name",
    "task_prefix",
    "windows_query",
]

VERSION: Final = 2
REACH: Final = 2
"""Number of past windows that each run computes again, for points that arrive a little late."""
SHORTEST_REACH_NS: Final = 600_000_000_000
OFFSET: Final = "30s"
POINTS_MARGIN_NS: Final = 120_000_000_000
"""For so long before a point expires, a task takes its window for one that may have lost it already."""

# One table for all would have its tags in the order in which they are first seen, and ``to()`` would write them
# unsorted, as another series.
_SERIES: Final = '  |> group(columns: ["_field", "_start", "_stop", "_time", "_value"], mode: "except")\n'


def rollup_query(
    bucket: str, measurement: str, numbers: Sequence[str], every_ns: int, start_ns: int, stop_ns: int
) -> str:
    """Roll up a span of whole windows once; ``numbers`` are the fields that have means."""
    return _rolled(bucket, measurement, numbers, every_ns, f"time(v: {start_ns})", f"time(v: {stop_ns})")


def windows_query(
    bucket: str, measurement: str, numbers: Sequence[str], every_ns: int, start_ns: int, stop_ns: int
) -> str:
    """Results ``count``, ``first``, ``last`` and ``mean``: rollups as :func:`rollup_query` would write them.

    Result ``stored`` has those that are stored now.
    """
    start, stop = f"time(v: {start_ns})", f"time(v: {stop_ns})"
    return _rolled(bucket, measurement, numbers, every_ns, start, stop, '  |> yield(name: "{}")\n') + (
        f"\nfrom(bucket: {quote(tier_bucket(bucket, every_ns))})\n  |> range(start: {start}, stop: {stop})\n"
        f'  |> filter(fn: (r) => {condition("_measurement", measurement)})\n  |> yield(name: "stored")\n'
    )


def task_flux(
    bucket: str, measurement: str, numbers: Sequence[str], every_ns: int, keep_ns: int, points_keep_ns: int = 0
) -> str:
    """A task that rolls up past windows, from where its last run ended, and notes how far it came.

    With ``points_keep_ns``, the retention of the points, it does not compute a window again that may have lost
    some of them since; one that was never computed is, from what is left.
    """
    reach_ns = max(REACH * every_ns, -(-SHORTEST_REACH_NS // every_ns) * every_ns)
    # After months without a run only what the tier keeps is computed.
    oldest = f"stop - {max(keep_ns // every_ns * every_ns, reach_ns)}"
    started = f"if reached < {oldest} then {oldest} else reached" if keep_ns else "reached"
    reached, system, whole = "if done < late then done else late", "", ""
    if points_keep_ns:
        system = 'import "system"\n'
        lost_ns = points_keep_ns - POINTS_MARGIN_NS - every_ns + 1
        whole = f"whole = (int(v: system.time()) - {lost_ns}) / {every_ns} * {every_ns}\n"
        reached = "if done < late or done < whole then done else if late < whole then whole else late"
    where = f"{condition('_measurement', PROGRESS)} and {condition('rolled', measurement)}"
    known = (
        f"from(bucket: {quote(bucket)})\n"
        "  |> range(start: 0)\n"
        f"  |> filter(fn: (r) => {where} and {condition('every_ns', str(every_ns))})\n"
        "  |> last()\n"
        "  |> findRecord(fn: (key) => key._field == {}, idx: 0)\n"
    )
    rows = ",\n  ".join(
        f'{{_time: now(), _measurement: "{PROGRESS}", rolled: {quote(measurement)}, every_ns: "{every_ns}", '
        f'_field: "{field}", _value: {value}}}'
        for field, value in (("since", "begun"), ("until", "stop"), ("keep", str(keep_ns)))
    )
    return (
        f'import "array"\n{system}\n'
        f"// tsmon rollups, version {VERSION}\n"
        f"option task = {{name: {quote(task_name(bucket, measurement, every_ns))}, every: {tier_name(every_ns)}, "
        f"offset: {OFFSET}}}\n\n"
        f"since = {known.replace('{}', quote('since'))}"
        f"until = {known.replace('{}', quote('until'))}"
        f"stop = int(v: now()) / {every_ns} * {every_ns}\n"
        f"late = stop - {reach_ns}\n"
        f"{whole}"
        "done = if exists until._value then until._value else late\n"
        f"reached = {reached}\n"
        f"start = {started}\n"
        "begun = if exists since._value then since._value else start\n\n"
        f"{_rolled(bucket, measurement, numbers, every_ns, 'time(v: start)', 'time(v: stop)')}\n"
        f'array.from(rows: [\n  {rows},\n])\n  |> to(bucket: {quote(bucket)})\n  |> yield(name: "state")\n'
    )


def is_too_wide(every_ns: int, points_keep_ns: int) -> bool:
    """Whether points expire before a window has ended and is rolled up, so that none of its tier is ever whole."""
    return bool(points_keep_ns) and every_ns + POINTS_MARGIN_NS > points_keep_ns


def task_prefix(bucket: str) -> str:
    """Prefix of the names of a bucket's tasks."""
    return f"tsmon rollups of {bucket}: "


def task_name(bucket: str, measurement: str, every_ns: int) -> str:
    """Name of a task."""
    return f"{task_prefix(bucket)}{tier_name(every_ns)} {measurement}"


def _rolled(
    bucket: str,
    measurement: str,
    numbers: Sequence[str],
    every_ns: int,
    start: str,
    stop: str,
    target: str | None = None,
) -> str:
    source = (
        f"from(bucket: {quote(bucket)})\n"
        f"  |> range(start: {start}, stop: {stop})\n"
        f"  |> filter(fn: (r) => {condition('_measurement', measurement)}{{}})\n"
        f"  |> window(every: {every_ns}ns)\n"
    )
    if target is None:
        target = (
            f'  |> to(bucket: {quote(tier_bucket(bucket, every_ns))})\n  |> count()\n  |> yield(name: "{{}}")\n'
        )

    def roll_up(function: str, suffix: str, more: str, where: str = "") -> str:
        return (
            f"{source.format(where)}"
            f"  |> {function}()\n"
            f"{more}"
            f'  |> map(fn: (r) => ({{r with _field: r._field + "{suffix}"}}))\n'
            f"{target.format(function)}"
        )

    windows = f'  |> drop(columns: ["_stop"])\n{_SERIES}  |> rename(columns: {{_start: "_time"}})\n'
    times = (
        f'  |> drop(columns: ["_stop", "_value"])\n{_SERIES}'
        "  |> map(fn: (r) => ({r with _value: int(v: r._time)}))\n"
        '  |> drop(columns: ["_time"])\n'
        '  |> rename(columns: {_start: "_time"})\n'
    )
    parts = [roll_up("count", COUNT, windows), roll_up("first", FIRST, times), roll_up("last", LAST, times)]
    if numbers:
        named = " or ".join(condition("_field", field) for field in numbers)
        parts.append(roll_up("mean", MEAN, windows, f" and ({named})"))
    return "\n".join(parts)
