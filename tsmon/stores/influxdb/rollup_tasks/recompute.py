"""Rollups computed again: of spans that were written late, and of days whose counts differ."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tsmon.line_protocol.escaping import escape_tag
from tsmon.stores.influxdb.annotated_csv import rows
from tsmon.stores.influxdb.queries import MAX_TIME_NS, MIN_TIME_NS, condition, quote
from tsmon.stores.influxdb.rollup_tasks.tasks import once
from tsmon.stores.influxdb.rollups.layout import COUNT, PROGRESS
from tsmon.stores.influxdb.rollups.progress import RolledSpan
from tsmon.time_units import DAY_NS

if TYPE_CHECKING:
    from tsmon.stores.influxdb.store import InfluxStore

__all__ = [
    "Contents",
    "contents_of",
    "differing_days",
    "first_time_ns",
    "progress_line",
    "recompute",
    "roll_up",
    "spans_of",
]

WINDOWS_AT_ONCE: Final = 1_000
"""Windows of a step, of each series."""
WINDOWS_OF_ALL: Final = 100_000
"""Windows of a step, of all series together: each is some tables in the server's memory, of kilobytes."""
LONGEST_S: Final = 900.0
"""How long one step may take: of years of many series there is much to be read and written."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is rolled up of a measurement: the names of those fields that have means, and how many series it has."""

    numbers: list[str]
    series: int


async def recompute(
    store: "InfluxStore",
    measurement: str,
    start_ns: int,
    stop_ns: int,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Compute all tiers of a measurement again for a span, as far as its points are there.

    A span from before what is rolled up so far is added to it.
    Windows that lost points to retention are frozen: what they were computed as, they stay. ``done`` is told how
    many windows each step was about.
    """
    store.rollups.forget()
    mine = [one for one in await store.rollups.all() if one.measurement == measurement]
    if not mine:
        return
    contents = await contents_of(store, measurement)
    raw_from_ns = await store.points_since_ns()
    for one in sorted(mine, key=lambda one: one.every_ns):
        longer = _reaching_back(one, start_ns, raw_from_ns)
        until_ns = stop_ns if longer is one else one.until_ns
        for low_ns, high_ns in spans_of(longer, contents, start_ns, until_ns, raw_from_ns):
            await roll_up(store, one, contents, low_ns, high_ns)
            done((high_ns - low_ns) // one.every_ns)
        if longer is not one:
            await store.write(progress_line(longer))
            store.rollups.forget()


def progress_line(rolled: RolledSpan) -> bytes:
    """The line that notes how far a measurement is rolled up, now."""
    tags = f"every_ns={rolled.every_ns},rolled={escape_tag(rolled.measurement)}"
    fields = f"since={rolled.since_ns}i,until={rolled.until_ns}i,keep={rolled.keep_ns}i"
    return f"{PROGRESS},{tags} {fields} {time.time_ns()}".encode()


def _reaching_back(rolled: RolledSpan, start_ns: int, raw_from_ns: int) -> RolledSpan:
    every_ns = rolled.every_ns
    since_ns = max(start_ns // every_ns, -(-raw_from_ns // every_ns)) * every_ns
    return replace(rolled, since_ns=since_ns) if since_ns < rolled.since_ns else rolled


async def roll_up(
    store: "InfluxStore", rolled: RolledSpan, contents: Contents, start_ns: int, stop_ns: int
) -> None:
    """Roll up whole windows of one tier."""
    bucket = store.connection.bucket
    flux = once(bucket, rolled.measurement, contents.numbers, rolled.every_ns, start_ns, stop_ns)
    await store.query(flux, timeout_s=LONGEST_S)


def spans_of(
    rolled: RolledSpan, contents: Contents, start_ns: int, stop_ns: int, raw_from_ns: int
) -> Iterator[tuple[int, int]]:
    """Spans of some windows each that cover a span, as far as that is rolled up and not frozen."""
    every_ns = rolled.every_ns
    low_ns = max(start_ns // every_ns, rolled.since_ns // every_ns, -(-raw_from_ns // every_ns)) * every_ns
    high_ns = min(-(-stop_ns // every_ns) * every_ns, rolled.until_ns)
    if rolled.keep_ns:
        low_ns = max(low_ns, -(-(time.time_ns() - rolled.keep_ns) // every_ns) * every_ns)
    step_ns = min(max(WINDOWS_OF_ALL // max(contents.series, 1), 1), WINDOWS_AT_ONCE) * every_ns
    for at_ns in range(low_ns, high_ns, step_ns):
        yield at_ns, min(at_ns + step_ns, high_ns)


async def contents_of(store: "InfluxStore", measurement: str) -> Contents:
    """What there is to be rolled up of a measurement."""
    text = await store.query(
        f"from(bucket: {quote(store.connection.bucket)})\n"
        f"  |> range(start: time(v: {MIN_TIME_NS}), stop: time(v: {MAX_TIME_NS}))\n"
        f"  |> filter(fn: (r) => {condition('_measurement', measurement)})\n"
        "  |> last()\n"
        '  |> keep(columns: ["_field", "_value"])\n'
    )
    newest = list(rows(text))
    numeric = {"double", "long", "unsignedLong"}
    numbers = {row.values["_field"] for row in newest if row.types["_value"] in numeric}
    return Contents(sorted(numbers), len(newest))


async def first_time_ns(store: "InfluxStore", measurement: str, fields: Sequence[str] = ()) -> int | None:
    """Time of the oldest point of a measurement, or of some of its fields; None where there is none."""
    named = " or ".join(condition("_field", field) for field in fields)
    text = await store.query(
        f"from(bucket: {quote(store.connection.bucket)})\n"
        f"  |> range(start: time(v: {MIN_TIME_NS}), stop: time(v: {MAX_TIME_NS}))\n"
        f"  |> filter(fn: (r) => {condition('_measurement', measurement)}{f' and ({named})' if named else ''})\n"
        "  |> first()\n"
        '  |> keep(columns: ["_time"])\n'
        "  |> group()\n"
        '  |> min(column: "_time")\n'
    )
    return next((row.values["_time"] for row in rows(text)), None)


async def differing_days(store: "InfluxStore", measurement: str, days: int, *, now_ns: int) -> list[int]:
    """Starts of those of the last days in which a tier tells of another number of values than there are.

    Each tier is compared as far as it is rolled up, since a wider one may have counted what came too late for a
    narrower one. Counted by the storage, so it costs little; what was overwritten in place is not seen by it.
    """
    raw_from_ns = -(-(await store.points_since_ns()) // DAY_NS) * DAY_NS
    oldest_ns = max((now_ns // DAY_NS - days) * DAY_NS, raw_from_ns)
    differing: set[int] = set()
    for one in await store.rollups.all():
        if one.measurement != measurement or DAY_NS % one.every_ns:
            continue
        low_ns = max(oldest_ns, one.since_ns)
        if one.keep_ns:
            low_ns = max(low_ns, -(-(time.time_ns() - one.keep_ns) // DAY_NS) * DAY_NS)
        if low_ns < one.until_ns:
            differing.update(await _differing(store, one, low_ns))
    return sorted(differing)


async def _differing(store: "InfluxStore", rolled: RolledSpan, low_ns: int) -> Iterable[int]:
    """Days from ``low_ns`` to where a tier ends in which it differs."""
    is_mine = condition("_measurement", rolled.measurement)
    counted = await store.query(
        "\n".join(
            f"from(bucket: {quote(bucket)})\n"
            f"  |> range(start: time(v: {low_ns}), stop: time(v: {rolled.until_ns}))\n"
            f"  |> filter(fn: (r) => {is_mine}{more})\n"
            f'  |> window(every: 1d)\n  |> {function}()\n  |> keep(columns: ["_start", "_value"])\n  |> group()\n'
            f'  |> yield(name: "{name}")\n'
            for name, bucket, more, function in (
                ("points", store.connection.bucket, "", "count"),
                ("rolled", store.rollups.bucket_of(rolled), f" and r._field =~ /{COUNT}$/", "sum"),
            )
        )
    )
    counts: dict[str, dict[int, int]] = {"points": {}, "rolled": {}}
    for row in rows(counted):
        of, day_ns = counts[row.result], row.values["_start"] // DAY_NS * DAY_NS
        of[day_ns] = of.get(day_ns, 0) + row.values["_value"]
    return _keys_that_differ(counts["points"], counts["rolled"])


def _keys_that_differ(one: dict[int, int], other: dict[int, int]) -> Iterable[int]:
    return (key for key in one.keys() | other.keys() if one.get(key, 0) != other.get(key, 0))
