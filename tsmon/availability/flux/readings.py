"""Flux that reads bins: of points, windows made by the storage; of bins that are given, the points themselves.

All that is read of points is pushed down to the storage: ``from |> range |> filter |> window |> count``, ``first``
and ``last``, each from its own ``from``, with windows of the span's own width. What leaves the storage is a row per
series and window, in integers of nanoseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tsmon.availability.deployments import BEGINNING_NS, END_NS, Span
from tsmon.availability.given import COUNT, LENGTH
from tsmon.stores import Selector
from tsmon.stores.influxdb.flux import condition, quote, source

__all__ = ["given", "reading", "windows"]

WHOLE_TIME: Final = BEGINNING_NS, END_NS + 1


def windows(bucket: str, selector: Selector, spans: Iterable[Span]) -> tuple[str, str]:
    """Assignments, and the streams of bins that they make."""
    streams = ",\n".join(
        stream
        for number, span in enumerate(spans)
        for stream in reading(source(bucket, selector, span.start_ns, span.end_ns), number, span.every_ns)
    )
    return f"bins = union(tables: [\n{streams},\n])\n    |> binRows()\n", "bins"


def given(bucket: str, selector: Selector, spans: Iterable[Span]) -> tuple[str, str]:
    """As :func:`windows`, of bins that are given."""
    conditions = [
        condition("_measurement", selector.measurement),
        f"({condition('_field', LENGTH)} or {condition('_field', COUNT)})",
        *(condition(key, value) for key, value in sorted(selector.tags.items())),
    ]
    start_ns, stop_ns = WHOLE_TIME
    read = (
        f"given = from(bucket: {quote(bucket)})\n"
        f"  |> range(start: time(v: {start_ns}), stop: time(v: {stop_ns}))\n"
        f"  |> filter(fn: (r) => {' and '.join(conditions)})\n"
        "  |> givenRows()\n"
        "  |> group()\n"
    )
    return read, ",\n".join(f"given{_within(n, one.start_ns, one.end_ns)}" for n, one in enumerate(spans))


def _within(number: int, start_ns: int, stop_ns: int) -> str:
    """What of given bins lies within a span; one that crosses its edge is cut there, and counts on both sides."""
    return (
        f"\n  |> filter(fn: (r) => r.since < {stop_ns} and r.upto >= {start_ns})\n"
        f"  |> map(fn: (r) => ({{r with s: {number}, k: 1, fin: 0, "
        f"f: if r.since < {start_ns} then {start_ns} else r.since, "
        f"l: if r.upto > {stop_ns} then {stop_ns} else r.upto, "
        "c: r.count, len: r.length, sep: r.count - 1, "
        f"tl: if r.since < {start_ns} then 0 else r.length, "
        f"ts: if r.since < {start_ns} then 0 else r.count - 1}}))\n"
        '  |> drop(columns: ["_time", "_start", "_stop", "_measurement", "since", "upto", "length", "count"])\n'
    )


def reading(read: str, number: int, every: int | str, by: Sequence[str] = ()) -> Iterator[str]:
    """Streams that make the bins of a span, from a pipeline that reads its points: counts, first and last times.

    With ``by`` there is a table for each combination of these columns.

    Sorting comes first: it makes one piece of the many windows, each of which would cost every map as much as all.
    ``every`` (nanoseconds) is better a literal than a name.
    """
    window = f"w: if r.w < 0 then (r.w + 1) / {every} - 1 else r.w / {every}"
    groups = ", ".join(map(quote, by))
    kept = "".join(f"{quote(name)}, " for name in by)
    for function, what, column, more, value in (
        ("count", "c", "_start", ', "_value"', "r._value"),
        ("first", "f", "_time", "", "r.w"),
        ("last", "l", "_time", "", "r.w"),
    ):
        yield (
            f"{read}"
            f"  |> window(every: duration(v: {every}))\n"
            f"  |> {function}()\n"
            f'  |> keep(columns: [{kept}"{column}"{more}])\n'
            f"  |> group({f'columns: [{groups}]' if by else ''})\n"
            f'  |> sort(columns: ["{column}"], desc: {"true" if what == "l" else "false"})\n'
            f"  |> map(fn: (r) => ({{r with w: int(v: r.{column})}}))\n"
            f'  |> map(fn: (r) => ({{r with s: {number}, what: "{what}", v: {value}, {window}}}))\n'
            f'  |> drop(columns: ["{column}"{more}])\n'
            + ("  |> overSeries()\n" if what == "c" else '  |> unique(column: "w")\n')
        )
