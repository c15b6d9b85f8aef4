"""Flux that tells gaps and sparsity inside InfluxDB: a reading for each span, and then the rules.

All that is read of points is pushed down to the storage: ``from |> range |> filter |> window |> count``, ``first``
and ``last``, each from its own ``from``, with windows of the span's own width. What leaves the storage is a row per
series and window, in integers of nanoseconds, and everything after that works on one table of such rows.
"""

import importlib.resources
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from tsmon.availability.deployments import BEGINNING_NS, END_NS, Span
from tsmon.availability.given import COUNT, LENGTH, are_given
from tsmon.availability.rules import Rules
from tsmon.stores import Selector
from tsmon.stores.influxdb.flux import condition, quote, source

__all__ = ["LAYING", "READING", "WHOLE_TIME", "availability_query", "laid_out", "rules_source"]

WHOLE_TIME: Final = BEGINNING_NS, END_NS + 1

READING: Final = {"count": '"_start", "_value"', "first": '"_time"', "last": '"_time"'}
"""The columns that are kept of each kind of reading."""
LAYING: Final = {"count": "counts", "first": "firsts", "last": "lasts"}
"""The function that makes rows of it."""


def rules_source() -> str:
    """The rules as Flux functions."""
    return importlib.resources.files(__package__).joinpath("rules.flux").read_text(encoding="utf-8")


def availability_query(bucket: str, selector: Selector, spans: Sequence[Span], rules: Rules) -> str:
    """A row per interval of all of time: start, stop, cat, and the sums c, len and sep of its points.

    ``cat`` is the number of a :class:`~tsmon.availability.Category`; len / sep is the mean separation of the
    interval, tl / ts that of the whole data set, both in nanoseconds. ``spans`` are those of
    :func:`~tsmon.availability.spans` for the same rules.
    """
    read = _given if are_given(selector) else _windows
    reading, bins = read(bucket, selector, spans)
    edges = ",\n    ".join(_edges(spans, rules))
    return (
        'import "array"\n'
        f"{rules_source()}\n"
        f"edges = array.from(rows: [\n    {edges},\n])\n"
        f"{reading}"
        f"union(tables: [edges, {bins}])\n"
        f"{laid_out(rules)}"
        '    |> keep(columns: ["start", "stop", "cat", "c", "len", "sep", "tl", "ts"])\n'
    )


def laid_out(rules: Rules) -> str:
    """From rows of edges and bins to intervals."""
    first, second, third = rules.bounds
    joined = f"    |> joined(width: {rules.bin_width_ns})\n" if rules.gaps == "points" else ""
    bounds = f"presentTo: {_float(first + rules.tolerance)}, level1To: {_float(second)}, level2To: {_float(third)}"
    return (
        "    |> inOrder()\n"
        f"{joined}"
        "    |> withWhole()\n"
        f"    |> withLevels({bounds})\n"
        "    |> pieces()\n"
        "    |> merged()\n"
    )


def _edges(spans: Sequence[Span], rules: Rules) -> Iterator[str]:
    for number, span in enumerate(spans):
        # Outside of deployments there are no gaps, and bins are whole.
        limit_ns = span.limit_ns if span.deployment else rules.bin_width_ns
        yield _edge(number, span.start_ns, limit_ns, span.floor_ns, expected=span.deployment is not None)
    yield _edge(len(spans), spans[-1].end_ns, 0, 0.0, expected=False, last=True)


def _edge(number: int, time_ns: int, limit_ns: int, floor_ns: float, *, expected: bool, last: bool = False) -> str:
    return (
        f"{{s: {number}, k: 0, f: {time_ns}, l: {time_ns}, c: 0, len: 0, sep: 0, tl: 0, ts: 0, fin: {int(last)}, "
        f"limit: {limit_ns}, floor: {_float(floor_ns)}, expected: {int(expected)}}}"
    )


def _windows(bucket: str, selector: Selector, spans: Iterable[Span]) -> tuple[str, str]:
    """Assignments, and the streams of bins that they make."""
    read = ",\n".join(
        f"{source(bucket, selector, span.start_ns, span.end_ns)}"
        f"  |> window(every: {span.every_ns}ns)\n"
        f"  |> {name}()\n"
        f"  |> keep(columns: [{columns}])\n"
        "  |> group()\n"
        f"  |> {LAYING[name]}(s: {number}, every: {span.every_ns})"
        for number, span in enumerate(spans)
        for name, columns in READING.items()
    )
    return f"bins = union(tables: [\n{read},\n])\n    |> binRows()\n", "bins"


def _given(bucket: str, selector: Selector, spans: Iterable[Span]) -> tuple[str, str]:
    conditions = [
        condition("_measurement", selector.measurement),
        f"({condition('_field', LENGTH)} or {condition('_field', COUNT)})",
        *(condition(key, value) for key, value in sorted(selector.tags.items())),
    ]
    start_ns, stop_ns = WHOLE_TIME
    bins = ", ".join(
        f"given |> givenWithin(s: {number}, start: {span.start_ns}, stop: {span.end_ns})"
        for number, span in enumerate(spans)
    )
    reading = (
        f"given = from(bucket: {quote(bucket)})\n"
        f"  |> range(start: time(v: {start_ns}), stop: time(v: {stop_ns}))\n"
        f"  |> filter(fn: (r) => {' and '.join(conditions)})\n"
        "  |> givenRows()\n"
        "  |> group()\n"
    )
    return reading, bins


def _float(value: float) -> str:
    """A Flux literal of exactly this number; Flux knows no exponents."""
    text = format(Decimal(value), "f")
    return text if "." in text else f"{text}.0"
