"""Flux for Grafana: gaps and sparsity of all selected streams in the time range of the dashboard.

Data are expected in the whole range, so its length replaces a deployment's duration. Variables of the dashboard
select the streams and the rules: ``preset`` (``exact`` or ``bins``), ``fraction``, and ``bounds``, three numbers
separated by slashes. Every stream that has ever had data appears, even if it is missing in the whole range.
"""

from collections.abc import Sequence
from typing import Final

from tsmon.availability.categories import APPEARANCES
from tsmon.availability.flux.query import load_rules
from tsmon.availability.flux.sources import build_window_streams
from tsmon.availability.reported_bins import COUNT, LENGTH, MEASUREMENT
from tsmon.stores.influxdb.queries import condition, quote

__all__ = ["build_grafana_bins_query", "build_grafana_query"]

INSTRUMENTS: Final = (
    'r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/'
)
OF_POINTS: Final = ("_measurement", "reference_designator", "method")
OF_BINS: Final = ("reference_designator", "method", "stream")

_PARTS: Final = sorted(2**a * 3**b for a in range(14) for b in range(3))
"""Numbers of windows in a bin: each divides a bin of whole hours into windows of whole nanoseconds."""


def build_grafana_query() -> str:
    """The query for streams of points: a table per stream; ``_value`` names a category, ``_time`` is its start."""
    where = f'{INSTRUMENTS} and r["_measurement"] =~ /^${{stream:regex}}$/ and r["_field"] =~ /^${{field:regex}}$/'
    read = f"{_build_source('v.timeRangeStart')}  |> filter(fn: (r) => {where})\n"
    seen = f"{_build_source('0')}  |> filter(fn: (r) => {where})\n"
    streams = ",\n".join(build_window_streams(read, 0, "every", OF_POINTS))
    bins = f"bins = union(tables: [\n{streams},\n])\n    |> buildBinRows()\n"
    return _build_query(seen, OF_POINTS, bins, width="width")


def build_grafana_bins_query() -> str:
    """The same query for streams of reported bins."""
    where = f'{condition("_measurement", MEASUREMENT)} and {INSTRUMENTS} and r["stream"] =~ /^${{stream:regex}}$/'
    seen = f"{_build_source('0')}  |> filter(fn: (r) => {where} and {condition('_field', COUNT)})\n"
    fields = f"({condition('_field', COUNT)} or {condition('_field', LENGTH)})"
    bins = (
        f"bins = {_build_source('v.timeRangeStart')}"
        f"  |> filter(fn: (r) => {where} and {fields})\n"
        "  |> buildReportedBinRows()\n"
        f"  |> group(columns: [{_quote_all(OF_BINS)}])\n"
        "  |> map(fn: (r) => ({r with s: 0, k: 1, fin: 0, f: r.since, l: if r.upto > stop then stop else r.upto,\n"
        "      c: r.count, len: r.length, sep: r.count - 1, tl: r.length, ts: r.count - 1}))\n"
        '  |> drop(columns: ["_time", "_start", "_stop", "_measurement", "since", "upto", "length", "count"])\n'
    )
    # Reported bins are never joined, however narrow they are.
    return _build_query(seen, OF_BINS, bins, width="if betweenBins then 1 else width")


def _build_source(start: str) -> str:
    return f"from(bucket: v.defaultBucket)\n  |> range(start: {start}, stop: v.timeRangeStop)\n"


def _build_query(seen: str, by: Sequence[str], bins: str, *, width: str) -> str:
    parts = " ".join(f"if need <= {number} then {number} else" for number in _PARTS)
    names = " ".join(
        f"if r.cat == {number} then {quote(one.name)} else" for number, one in enumerate(APPEARANCES[1:], start=1)
    )
    same = (
        f"k: 0, c: 0, len: 0, sep: 0, tl: 0, ts: 0, none: 0, width: {width}, floor: floor, presentTo: presentTo, "
        "level1To: float(v: bounds[1]), level2To: float(v: bounds[2])"
    )
    return (
        'import "strings"\n\n'
        f"{load_rules()}\n"
        "start = int(v: v.timeRangeStart)\n"
        "stop = int(v: v.timeRangeStop)\n"
        'betweenBins = "${preset:raw}" == "bins"\n'
        'longest = int(v: float(v: stop - start) * float(v: "${fraction:raw}"))\n'
        'bounds = strings.split(v: "${bounds:raw}", t: "/")\n'
        "presentTo = float(v: bounds[0]) + (if betweenBins then 0.0 else 0.01)\n"
        "floor = if betweenBins then 0.001 * float(v: stop - start) else 0.0\n"
        "width = int(v: 1d)\n"
        "need = if longest < 1 then width else (width + longest - 1) / longest\n"
        f"parts = {parts} {_PARTS[-1]}\n"
        "every = if betweenBins then width else width / parts\n"
        f"seen = {seen}"
        "  |> last()\n"
        f'  |> keep(columns: [{_quote_all(by)}, "_time"])\n'
        f"  |> group(columns: [{_quote_all(by)}])\n"
        "  |> limit(n: 1)\n"
        f"begun = seen |> map(fn: (r) => ({{r with s: 0, f: start, l: start, fin: 0, limit: longest, expected: 1, "
        f"{same}}}))\n"
        f"ended = seen |> map(fn: (r) => ({{r with s: 1, f: stop, l: stop, fin: 1, limit: 0, expected: 0, "
        f"{same}}}))\n"
        'edges = union(tables: [begun, ended]) |> drop(columns: ["_time"])\n'
        f"{bins}"
        "union(tables: [edges, bins])\n"
        "    |> sortRows()\n"
        "    |> joinBins()\n"
        "    |> addTotals()\n"
        "    |> addLevels()\n"
        "    |> splitPieces()\n"
        "    |> mergePieces()\n"
        "    |> map(fn: (r) => ({r with _time: time(v: r.start)}))\n"
        f"    |> map(fn: (r) => ({{r with _value: {names} {quote(APPEARANCES[0].name)}}}))\n"
        f'    |> keep(columns: [{_quote_all(by)}, "_time", "_value"])\n'
    )


def _quote_all(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))
