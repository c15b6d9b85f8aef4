"""Flux that reads bins: windows of points, aggregated by the storage, or reported bins.

Aggregation is pushed down to the storage: ``from |> range |> filter |> window |> count``, ``first`` and ``last``,
each with its own ``from`` and with windows of the span's width. What leaves the storage is one row per series and
window, in integer nanoseconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tsmon.availability.deployments import BEGINNING_NS, END_NS, Span
from tsmon.availability.reported_bins import COUNT, LENGTH
from tsmon.stores import Selector
from tsmon.stores.influxdb.queries import condition, quote, source
from tsmon.stores.influxdb.rollups.layout import COUNT as COUNTS
from tsmon.stores.influxdb.rollups.layout import FIRST as FIRSTS
from tsmon.stores.influxdb.rollups.layout import LAST as LASTS
from tsmon.stores.influxdb.whole_windows import split_at_ends

__all__ = ["RolledPart", "build_points_source", "build_reported_bins_source", "build_window_streams"]

WHOLE_TIME: Final = BEGINNING_NS, END_NS + 1


@dataclass(frozen=True, slots=True)
class RolledPart:
    """A part of a span, of whole windows, that is read from the rollups in a bucket."""

    bucket: str
    start_ns: int
    stop_ns: int


def build_points_source(
    bucket: str, selector: Selector, spans: Iterable[Span], rolled: Mapping[int, RolledPart]
) -> tuple[str, str]:
    """Flux assignments, and the name of the bins that they define; ``rolled`` are parts by number of the span."""
    streams: list[str] = []
    for number, span in enumerate(spans):
        parts = [(span.start_ns, span.end_ns)]
        if (part := rolled.get(number)) is not None:
            streams += _build_rollup_streams(selector, part, number, span.every_ns)
            parts = [(span.start_ns, part.start_ns), (part.stop_ns, span.end_ns)]
        for start_ns, stop_ns in parts:
            for low_ns, high_ns, width_ns in split_at_ends(start_ns, stop_ns, span.every_ns):
                read = source(bucket, selector, low_ns, high_ns)
                streams += build_window_streams(read, number, span.every_ns, width=width_ns)
    joined = ",\n".join(streams)
    return f"bins = union(tables: [\n{joined},\n])\n    |> buildBinRows()\n", "bins"


def build_reported_bins_source(
    bucket: str, selector: Selector, spans: Iterable[Span], _: Mapping[int, RolledPart]
) -> tuple[str, str]:
    """As :func:`build_points_source`, for reported bins, which are read as they are."""
    conditions = [
        condition("_measurement", selector.measurement),
        f"({condition('_field', LENGTH)} or {condition('_field', COUNT)})",
        *(condition(key, value) for key, value in sorted(selector.tags.items())),
    ]
    start_ns, stop_ns = WHOLE_TIME
    read = (
        f"reported = from(bucket: {quote(bucket)})\n"
        f"  |> range(start: time(v: {start_ns}), stop: time(v: {stop_ns}))\n"
        f"  |> filter(fn: (r) => {' and '.join(conditions)})\n"
        "  |> buildReportedBinRows()\n"
        "  |> group()\n"
    )
    return read, ",\n".join(f"reported{_cut_to_span(n, one.start_ns, one.end_ns)}" for n, one in enumerate(spans))


def _cut_to_span(number: int, start_ns: int, stop_ns: int) -> str:
    """Reported bins within a span; one that crosses its edge is cut there, and counts on both sides."""
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


def build_window_streams(
    read: str, number: int, every: int | str, by: Sequence[str] = (), *, width: int | str = ""
) -> Iterator[str]:
    """Streams of the bins of a span: counts, first and last times, from a pipeline that reads its points.

    With ``by`` there is a table for each combination of these columns. ``width`` replaces the width of the windows
    that the storage aggregates, where all points are in one window of ``every``.

    Sort comes first: it joins the many windows into one table; each map would cost as much per window as for all of
    them. ``every`` (nanoseconds) is faster as a literal than as a name.
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
            f"  |> window(every: duration(v: {width or every}))\n"
            f"  |> {function}()\n"
            f'  |> keep(columns: [{kept}"{column}"{more}])\n'
            f"  |> group({f'columns: [{groups}]' if by else ''})\n"
            f'  |> sort(columns: ["{column}"], desc: {"true" if what == "l" else "false"})\n'
            f"  |> map(fn: (r) => ({{r with w: int(v: r.{column})}}))\n"
            f'  |> map(fn: (r) => ({{r with s: {number}, what: "{what}", v: {value}, {window}}}))\n'
            f'  |> drop(columns: ["{column}"{more}])\n'
            + ("  |> sumOverSeries()\n" if what == "c" else '  |> unique(column: "w")\n')
        )


def _build_rollup_streams(selector: Selector, part: RolledPart, number: int, every_ns: int) -> Iterator[str]:
    """As :func:`build_window_streams`, from rollups: sums of counts, least first and greatest last times."""
    window = f"w: if r.w < 0 then (r.w + 1) / {every_ns} - 1 else r.w / {every_ns}"
    for function, what, suffix, column in (
        ("sum", "c", COUNTS, "_start"),
        ("min", "f", FIRSTS, "_value"),
        ("max", "l", LASTS, "_value"),
    ):
        of = Selector(selector.measurement, selector.field + suffix, selector.tags)
        yield (
            f"{source(part.bucket, of, part.start_ns, part.stop_ns)}"
            f"  |> window(every: duration(v: {every_ns}))\n"
            f"  |> {function}()\n"
            '  |> keep(columns: ["_start", "_value"])\n'
            "  |> group()\n"
            f'  |> sort(columns: ["{column}"], desc: {"true" if what == "l" else "false"})\n'
            "  |> map(fn: (r) => ({r with w: int(v: r._start)}))\n"
            f'  |> map(fn: (r) => ({{r with s: {number}, what: "{what}", v: r._value, {window}}}))\n'
            '  |> drop(columns: ["_start", "_value"])\n'
            + ("  |> sumOverSeries()\n" if what == "c" else '  |> unique(column: "w")\n')
        )
