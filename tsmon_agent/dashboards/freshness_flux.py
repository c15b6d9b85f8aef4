"""Flux over the points of freshness, which are written at each change of a stream and once an hour.

A status is known until the next point, but no longer than ``KNOWN_FOR``; after that, the agent was not running.
"""

from typing import Final

from tsmon.points import StreamFreshness
from tsmon.stores.influxdb.queries import quote
from tsmon_agent.dashboards.columns import field, tag
from tsmon_agent.dashboards.flux import matches_variable, newest, read
from tsmon_agent.streams.freshness.statuses import FreshnessStatus

__all__ = [
    "KNOWN_FOR",
    "NOT_KNOWN",
    "OF_INSTRUMENT",
    "OF_SITE",
    "age_query",
    "count_query",
    "status_query",
    "table_query",
    "total_query",
]

KNOWN_FOR: Final = "75m"
"""The hour between two points, plus time for a late round."""
NOT_KNOWN: Final = "not known"

_INSTRUMENT: Final = tag(StreamFreshness, "reference_designator")

OF_SITE: Final = "=~ /^${site:regex}(-|$)/"
OF_INSTRUMENT: Final = f'{OF_SITE} and r["{_INSTRUMENT}"] {matches_variable("instrument")}'
"""Conditions on the instrument: one of the selected sites, and one of the selected instruments in them."""

_TAGS: Final = (_INSTRUMENT, tag(StreamFreshness, "method"), tag(StreamFreshness, "stream"))
_WHERE: Final = {"reference_designator": OF_INSTRUMENT, "stream": matches_variable("stream")}
_BY: Final = ", ".join(map(quote, _TAGS))
_END: Final = "end = if now() < v.timeRangeStop then now() else v.timeRangeStop\n"
_NUMBERS: Final = (field(StreamFreshness, "age"), "rate", "expected_rate")
_RECENT: Final = f"date.sub(d: {KNOWN_FOR}, from: end)"


def total_query() -> str:
    """Number of streams whose status is known now."""
    return f'{_read_newest("level")}  |> group()\n  |> count()\n  |> keep(columns: ["_value"])\n'


def count_query(status: FreshnessStatus) -> str:
    """Number of streams with this status now: zero if others have theirs, nothing if none is known."""
    return (
        f"{_read_newest('level')}"
        f"  |> map(fn: (r) => ({{r with _value: if r._value == {status:d} then 1 else 0}}))\n"
        "  |> group()\n"
        "  |> sum()\n"
    )


def table_query() -> str:
    """One table: a row for each stream whose status is known now, worst first. Points may lack the rates.

    Takes the first of sorted rows instead of ``last``, which turns nulls in other columns into zeros.
    """
    state, level, age = (field(StreamFreshness, one) for one in ("state", "level", "age"))
    columns = [f"{one}: r.{one}" for one in (*_TAGS, state, level)]
    numbers = [f'{one}: if exists r.{one} then r.{one} else debug.null(type: "float")' for one in _NUMBERS]
    return (
        'import "internal/debug"\n'
        f"{_read_newest()}"
        '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
        f"  |> group(columns: [{_BY}])\n"
        '  |> sort(columns: ["_time"], desc: true)\n'
        "  |> limit(n: 1)\n"
        "  |> group()\n"
        f"  |> map(fn: (r) => ({{{', '.join([*columns, 'reported: r._time', *numbers])}}}))\n"
        "  |> map(fn: (r) => ({r with share: r.rate / r.expected_rate}))\n"
        f"  |> sort(columns: [{quote(level)}, {quote(age)}], desc: true)\n"
        f"  |> drop(columns: [{quote(level)}])\n"
    )


def status_query() -> str:
    """Statuses of each stream: the one at the start of the range, those reported in it, and ``not known``."""
    return _carry_forward("state", quote(NOT_KNOWN))


def age_query() -> str:
    """Ages of each stream; null where unknown."""
    return 'import "internal/debug"\n' + _carry_forward("age", 'debug.null(type: "float")')


def _read_newest(*fields: str) -> str:
    """Newest values that are recent enough to hold at the end of the range, or now."""
    reading = read(StreamFreshness, *fields, where=_WHERE, start=_RECENT, stop="end")
    return f'import "date"\n\n{_END}\n{newest(reading)}'


def _carry_forward(attribute: str, unknown: str) -> str:
    reading = read(
        StreamFreshness,
        attribute,
        where=_WHERE,
        start=f"date.sub(d: {KNOWN_FOR}, from: v.timeRangeStart)",
        stop="end",
    )
    return (
        'import "date"\n\n'
        f"{_END}\n"
        f"points = {reading}"
        f'  |> keep(columns: [{_BY}, "_time", "_value"])\n'
        '  |> sort(columns: ["_time"])\n\n'
        "before = points\n"
        "  |> filter(fn: (r) => r._time <= v.timeRangeStart)\n"
        "  |> last()\n"
        "  |> map(fn: (r) => ({r with _time: v.timeRangeStart}))\n\n"
        "after = points\n"
        "  |> filter(fn: (r) => r._time > v.timeRangeStart)\n\n"
        "atEnd = points\n"
        "  |> last()\n"
        "  |> map(fn: (r) => ({r with _time: end}))\n\n"
        "away = union(tables: [points, atEnd])\n"
        '  |> sort(columns: ["_time"])\n'
        "  |> elapsed(unit: 1ns)\n"
        f"  |> filter(fn: (r) => r.elapsed > int(v: {KNOWN_FOR}))\n"
        f"  |> map(fn: (r) => ({{r with _time: time(v: int(v: r._time) - r.elapsed + int(v: {KNOWN_FOR})), "
        f"_value: {unknown}}}))\n"
        '  |> drop(columns: ["elapsed"])\n\n'
        "union(tables: [before, after, away])\n"
        '  |> sort(columns: ["_time"])\n'
    )
