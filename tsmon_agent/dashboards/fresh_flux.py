"""Flux over the points of freshness, which are written at each change of a stream and once an hour.

A state is known until the next point, but no longer than ``KNOWN_FOR``: then the agent was away.
"""

from typing import Final

from tsmon.points import StreamFreshness
from tsmon.stores.influxdb.queries import quote
from tsmon_agent.dashboards.columns import field, tag
from tsmon_agent.dashboards.flux import chosen, newest, read
from tsmon_agent.streams.freshness.statuses import FreshnessStatus

__all__ = [
    "KNOWN_FOR",
    "NOT_KNOWN",
    "OF_INSTRUMENT",
    "OF_SITE",
    "age_query",
    "count_query",
    "states_query",
    "table_query",
    "total_query",
]

KNOWN_FOR: Final = "75m"
"""The hour between two points, and some time for a round that is late."""
NOT_KNOWN: Final = "not known"

_INSTRUMENT: Final = tag(StreamFreshness, "reference_designator")

OF_SITE: Final = "=~ /^${site:regex}(-|$)/"
OF_INSTRUMENT: Final = f'{OF_SITE} and r["{_INSTRUMENT}"] {chosen("instrument")}'
"""Conditions on the instrument: one of the chosen sites, and one of the chosen instruments of these."""

_TAGS: Final = (_INSTRUMENT, tag(StreamFreshness, "method"), tag(StreamFreshness, "stream"))
_WHERE: Final = {"reference_designator": OF_INSTRUMENT, "stream": chosen("stream")}
_BY: Final = ", ".join(map(quote, _TAGS))
_END: Final = "end = if now() < v.timeRangeStop then now() else v.timeRangeStop\n"
_NUMBERS: Final = (field(StreamFreshness, "age"), "rate", "expected_rate")
_RECENT: Final = f"date.sub(d: {KNOWN_FOR}, from: end)"


def total_query() -> str:
    """Number of streams whose state is known now."""
    return f'{_newest("level")}  |> group()\n  |> count()\n  |> keep(columns: ["_value"])\n'


def count_query(level: FreshnessStatus) -> str:
    """Number of streams that have this level now: zero where others have theirs, nothing where none is known."""
    return (
        f"{_newest('level')}"
        f"  |> map(fn: (r) => ({{r with _value: if r._value == {level:d} then 1 else 0}}))\n"
        "  |> group()\n"
        "  |> sum()\n"
    )


def table_query() -> str:
    """One table: a row for each stream whose state is known now, the worst first; the rates may be in no point.

    Of sorted rows the first, not ``last``, which makes zeros of nulls in other columns.
    """
    state, level, age = (field(StreamFreshness, one) for one in ("state", "level", "age"))
    told = [f"{one}: r.{one}" for one in (*_TAGS, state, level)]
    numbers = [f'{one}: if exists r.{one} then r.{one} else debug.null(type: "float")' for one in _NUMBERS]
    return (
        'import "internal/debug"\n'
        f"{_newest()}"
        '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'
        f"  |> group(columns: [{_BY}])\n"
        '  |> sort(columns: ["_time"], desc: true)\n'
        "  |> limit(n: 1)\n"
        "  |> group()\n"
        f"  |> map(fn: (r) => ({{{', '.join([*told, 'told: r._time', *numbers])}}}))\n"
        "  |> map(fn: (r) => ({r with share: r.rate / r.expected_rate}))\n"
        f"  |> sort(columns: [{quote(level)}, {quote(age)}], desc: true)\n"
        f"  |> drop(columns: [{quote(level)}])\n"
    )


def states_query() -> str:
    """States of each stream: the one at the beginning of the range, those that were told, and ``not known``."""
    return _carried("state", quote(NOT_KNOWN))


def age_query() -> str:
    """Ages of each stream likewise; null where it is not known."""
    return 'import "internal/debug"\n' + _carried("age", 'debug.null(type: "float")')


def _newest(*fields: str) -> str:
    """Newest values of what was told so lately that it holds at the end of the range, or now."""
    reading = read(StreamFreshness, *fields, where=_WHERE, start=_RECENT, stop="end")
    return f'import "date"\n\n{_END}\n{newest(reading)}'


def _carried(attribute: str, unknown: str) -> str:
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
