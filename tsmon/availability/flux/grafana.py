"""Flux for Grafana: gaps and sparsity of all selected streams in the time range of the dashboard.

Data are expected in the whole range, so its length replaces a deployment's duration. Variables of the dashboard
select the streams and the rules: ``preset`` (``exact`` or ``bins``), ``fraction``, and ``bounds``, three numbers
separated by slashes. Every stream that has ever had data appears, even if it is missing in the whole range. With
``exact``, a gap is longer than twice the period of a stream: of its expected rate, which the agent writes with its
freshness under the stream's name, else its typical separation in the range.
"""

from collections.abc import Sequence
from typing import Final

from tsmon.availability.categories import APPEARANCES
from tsmon.availability.flux.query import build_raised_rows, build_steps, load_rules
from tsmon.availability.flux.sources import build_window_streams
from tsmon.availability.reported_bins import COUNT, LENGTH, MEASUREMENT
from tsmon.points import StreamFreshness
from tsmon.stores.influxdb.queries import condition, quote
from tsmon.stores.influxdb.whole_windows import MIN_TIME_NS

__all__ = ["build_grafana_bins_query", "build_grafana_query"]

INSTRUMENTS: Final = (
    'r["reference_designator"] =~ /^${instrument:regex}$/ and r["reference_designator"] =~ /^${site:regex}(-|$)/'
)
OF_POINTS: Final = ("_measurement", "reference_designator", "method")
OF_BINS: Final = ("reference_designator", "method", "stream")

_FRESHNESS: Final = StreamFreshness.__declaration__.measurement
_EXPECTED_RATE: Final = "expected_rate"
_BEGINNING: Final = f"time(v: {MIN_TIME_NS})"
_PARTS: Final = sorted(2**a * 3**b for a in range(14) for b in range(3))
"""Numbers of windows in a bin: each divides a bin of whole hours into windows of whole nanoseconds."""


def build_grafana_query() -> str:
    """The query for streams of points: a table per stream; ``_value`` names a category, ``_time`` is its start."""
    where = f'{INSTRUMENTS} and r["_measurement"] =~ /^${{stream:regex}}$/ and r["_field"] =~ /^${{field:regex}}$/'
    read = f"{_build_source('v.timeRangeStart')}  |> filter(fn: (r) => {where})\n"
    seen = f"{_build_source(_BEGINNING)}  |> filter(fn: (r) => {where})\n"
    streams = ",\n".join(build_window_streams(read, 0, "every", OF_POINTS))
    bins = f"bins = union(tables: [\n{streams},\n])\n    |> buildBinRows()\n"
    return _build_query(seen, OF_POINTS, bins, width="width")


def build_grafana_bins_query() -> str:
    """The same query for streams of reported bins."""
    where = f'{condition("_measurement", MEASUREMENT)} and {INSTRUMENTS} and r["stream"] =~ /^${{stream:regex}}$/'
    seen = f"{_build_source(_BEGINNING)}  |> filter(fn: (r) => {where} and {condition('_field', COUNT)})\n"
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
        "level1To: float(v: bounds[1]), level2To: float(v: bounds[2]), wholeFrom: wholeFrom, wholeTo: wholeTo"
    )
    keys = _quote_all(by)
    return (
        'import "math"\nimport "strings"\n\n'
        f"{load_rules()}\n"
        "start = int(v: v.timeRangeStart)\n"
        "stop = int(v: v.timeRangeStop)\n"
        'betweenBins = "${preset:raw}" == "bins"\n'
        'billionths = int(v: math.round(x: 1000000000.0 * float(v: "${fraction:raw}")))\n'
        "seconds = (stop - start) / 1000000000\n"
        "longest = seconds * billionths + (stop - start - seconds * 1000000000) * billionths / 1000000000\n"
        'bounds = strings.split(v: "${bounds:raw}", t: "/")\n'
        "presentTo = float(v: bounds[0]) + (if betweenBins then 0.0 else 0.01)\n"
        "floor = if betweenBins then 0.001 * float(v: stop - start) else 0.0\n"
        "width = int(v: 1d)\n"
        "wholeFrom = if start > 0 then (start + width - 1) / width * width else start / width * width\n"
        "wholeTo = if stop < 0 then ((stop + 1) / width - 1) * width else stop / width * width\n"
        "need = if longest < 1 then width else (width + longest - 1) / longest\n"
        f"parts = {parts} {_PARTS[-1]}\n"
        "every = if betweenBins then width else width / parts\n"
        f"seen = {seen}"
        "  |> last()\n"
        f'  |> keep(columns: [{keys}, "_time"])\n'
        f"  |> group(columns: [{keys}])\n"
        "  |> limit(n: 1)\n"
        f"{_build_rates(by)}"
        f"awaited = seen |> map(fn: (r) => ({{r with s: 0, f: start, l: start, fin: 0, limit: longest, "
        f"expected: 1, typical: if betweenBins then 0 else 1, twice: 0, {same}}}))\n"
        "begun = union(tables: [awaited, rates])\n"
        '  |> sort(columns: ["s"])\n'
        '  |> cumulativeSum(columns: ["twice"])\n'
        "  |> filter(fn: (r) => r.s == 0)\n"
        "  |> map(fn: (r) => ({r with typical: if r.twice > 0 then 0 else r.typical, "
        "limit: if r.twice > r.limit and not betweenBins then r.twice else r.limit}))\n"
        '  |> drop(columns: ["twice"])\n'
        f"ended = seen |> map(fn: (r) => ({{r with s: 1, f: stop, l: stop, fin: 1, limit: 0, expected: 0, "
        f"typical: 0, {same}}}))\n"
        'edges = union(tables: [begun, ended]) |> drop(columns: ["_time"])\n'
        f"{bins}"
        "rows = union(tables: [edges, bins])\n"
        "    |> sortRows()\n"
        f"{build_raised_rows()}"
        "raised\n"
        f"{build_steps()}"
        "    |> map(fn: (r) => ({r with _time: time(v: r.start)}))\n"
        f"    |> map(fn: (r) => ({{r with _value: {names} {quote(APPEARANCES[0].name)}}}))\n"
        f'    |> keep(columns: [{keys}, "_time", "_value"])\n'
    )


def _build_rates(by: Sequence[str]) -> str:
    """A row per stream with an expected rate: twice its period in nanoseconds, as of the end of the range."""
    where = (
        f'{condition("_measurement", _FRESHNESS)} and {INSTRUMENTS} and r["stream"] =~ /^${{stream:regex}}$/ and '
        f"{condition('_field', _EXPECTED_RATE)}"
    )
    renamed = '  |> rename(columns: {stream: "_measurement"})\n' if "stream" not in by else ""
    return (
        f"rates = {_build_source(_BEGINNING)}"
        f"  |> filter(fn: (r) => {where})\n"
        "  |> last()\n"
        f'  |> keep(columns: [{_quote_all(OF_BINS)}, "_time", "_value"])\n'
        f"{renamed}"
        f"  |> group(columns: [{_quote_all(by)}])\n"
        '  |> sort(columns: ["_time"])\n'
        "  |> last()\n"
        "  |> filter(fn: (r) => r._value > 0.0)\n"
        "  |> map(fn: (r) => ({r with s: -1, twice: 2 * int(v: math.round(x: 1000000000.0 / r._value))}))\n"
        '  |> drop(columns: ["_time", "_value"])\n'
    )


def _quote_all(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))
