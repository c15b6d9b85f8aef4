"""Flux sources of the store's queries.

Each uses only what InfluxDB pushes down to its storage: ``from |> range |> filter`` with literal comparisons, then
``window |> count|first|last`` or ``aggregateWindow(mean)``, each with its own ``from`` (a variable with two
consumers is not pushed down). ``window |> first`` keeps the point's own time, ``aggregateWindow(fn: first)`` does
not. No window is infinite, and none begins or ends beyond time; see :mod:`tsmon.stores.influxdb.whole_windows`.
"""

import re
from collections.abc import Sequence
from typing import Final

from tsmon.stores.influxdb.whole_windows import MAX_TIME_NS, MIN_TIME_NS, WIDEST_NS, split_at_ends
from tsmon.stores.query_types import Selector

__all__ = [
    "bins_query",
    "condition",
    "counts_query",
    "newest_query",
    "quote",
    "series_bins_query",
    "series_query",
    "source",
    "source_of_any",
    "values_query",
]

_KNOWN: Final = '"_start", "_stop", "_measurement", "_field"'
"""Columns that repeat the query: with many series they would be most of a response."""

_special: Final = re.compile(r'["\\\n\r\t$]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\x24"}


def quote(text: str) -> str:
    r"""Flux string literal.

    Every ``$`` is escaped: after another ``$``, Flux's scanner takes ``\${`` for the start of an interpolation.
    """
    return f'"{_special.sub(lambda match: _ESCAPES[match[0]], text)}"'


def condition(column: str, value: str) -> str:
    """Comparison of a column with a value, in the form that is pushed down."""
    return f"r[{quote(column)}] == {quote(value)}"


def source(bucket: str, selector: Selector, start_ns: int, stop_ns: int) -> str:
    """Pipeline that reads the selected points of ``start_ns <= time < stop_ns``."""
    return source_of_any(bucket, [selector], start_ns, stop_ns)


def source_of_any(
    bucket: str, selectors: Sequence[Selector], start_ns: int, stop_ns: int, *, fields: Sequence[str] = ()
) -> str:
    """As :func:`source`, for the series that any of the selectors selects, all of one measurement and field.

    ``fields`` replace that field, if any are given.
    """
    first = selectors[0]
    named = " or ".join(condition("_field", field) for field in fields or (first.field,))
    alternatives = [[condition(key, value) for key, value in sorted(one.tags.items())] for one in selectors]
    every = [one for one in alternatives[0] if all(one in others for others in alternatives)]
    conditions = [condition("_measurement", first.measurement), f"({named})" if len(fields) > 1 else named, *every]
    read = (
        f"from(bucket: {quote(bucket)})\n"
        f"  |> range(start: time(v: {start_ns}), stop: time(v: {stop_ns}))\n"
        f"  |> filter(fn: (r) => {' and '.join(conditions)})\n"
    )
    rest = [" and ".join(one for one in others if one not in every) for others in alternatives]
    return read + (f"  |> filter(fn: (r) => {' or '.join(f'({one})' for one in rest)})\n" if all(rest) else "")


def series_bins_query(
    bucket: str, selectors: Sequence[Selector], start_ns: int, stop_ns: int, every_ns: int
) -> str:
    """As :func:`bins_query`, for each series separately."""
    drop = {"count": '"_stop"', "first": '"_start", "_stop", "_value"', "last": '"_start", "_stop", "_value"'}
    return "\n".join(
        f"{source_of_any(bucket, selectors, low_ns, high_ns)}  |> window(every: {width_ns}ns)\n  |> {name}()\n"
        f'  |> drop(columns: [{drop[name]}])\n  |> yield(name: "{name}{part}")\n'
        for part, (low_ns, high_ns, width_ns) in enumerate(split_at_ends(start_ns, stop_ns, every_ns))
        for name in ("count", "first", "last")
    )


def bins_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> str:
    """Results ``count``, ``first`` and ``last`` of each part of the span, with a row per series and window."""
    keep = {"count": "_start", "first": "_time", "last": "_time"}
    value = {"count": ', "_value"', "first": "", "last": ""}
    return "\n".join(
        f"{source(bucket, selector, low_ns, high_ns)}  |> window(every: {width_ns}ns)\n  |> {name}()\n"
        f'  |> keep(columns: ["{keep[name]}"{value[name]}])\n'
        f'  |> group()\n  |> yield(name: "{name}{part}")\n'
        for part, (low_ns, high_ns, width_ns) in enumerate(split_at_ends(start_ns, stop_ns, every_ns))
        for name in ("count", "first", "last")
    )


def newest_query(bucket: str, selector: Selector) -> str:
    """The newest row of each series."""
    return f"{source(bucket, selector, MIN_TIME_NS, MAX_TIME_NS)}  |> last()\n  |> drop(columns: [{_KNOWN}])\n"


def counts_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int, *, function: str = "count") -> str:
    """One or two rows per series with numbers of its values; with ``function="sum"``, of its rollups' counts."""
    return (
        f"{source(bucket, selector, start_ns, stop_ns)}  |> window(every: {WIDEST_NS}ns)\n  |> {function}()\n"
        f"  |> drop(columns: [{_KNOWN}])\n"
    )


def series_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> str:
    """A row per series and window with the mean; ``_time`` is the window's start within the range."""
    return "\n".join(
        f"{source(bucket, selector, low_ns, high_ns)}"
        f'  |> aggregateWindow(every: {width_ns}ns, fn: mean, createEmpty: false, timeSrc: "_start")\n'
        f'  |> yield(name: "mean{part}")\n'
        for part, (low_ns, high_ns, width_ns) in enumerate(split_at_ends(start_ns, stop_ns, every_ns))
    )


def values_query(bucket: str, selector: Selector, start_ns: int, stop_ns: int) -> str:
    """A row per point, each series in order of time."""
    return source(bucket, selector, start_ns, stop_ns)
