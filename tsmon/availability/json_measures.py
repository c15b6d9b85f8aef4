"""Measures, the JSON form of availability: a name, categories with colours, and rows.

A row is ``[start, category, end]`` with times ``YYYY-MM-DD HH:MM:SS`` in UTC. An edge of a short row has a fraction
of 3, 6 or 9 digits, so that its length can be read. For readers that expect none, times are cut to whole seconds;
then a row that is empty is left out, and equal neighbours on both sides of it become one row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict

from tsmon.availability.categories import Appearance
from tsmon.availability.deployments import Span
from tsmon.availability.interval import Interval
from tsmon.availability.time_format import find_precision_ns, format_time, format_time_exactly
from tsmon.time_units import SECOND_NS

__all__ = ["Measure", "build_deployments_measure", "build_stream_measure"]

DEPLOYMENT_COLOR: Final = "#0073cf"


class Measure(TypedDict):
    """One measure as JSON."""

    measure: str
    categories: dict[str, dict[str, str]]
    data: list[list[str]]


def build_deployments_measure(spans: Iterable[Span], start_ns: int, end_ns: int, *, whole_seconds: bool) -> Measure:
    """The measure ``Deployments``: which deployment governs when. Rows never overlap."""
    rows = [
        (max(span.start_ns, start_ns), f"Deployment: {span.deployment.number}", min(span.end_ns, end_ns))
        for span in spans
        if span.deployment and span.start_ns < end_ns and start_ns < span.end_ns
    ]
    categories = {name: {"color": DEPLOYMENT_COLOR} for _, name, _ in rows}
    return {"measure": "Deployments", "categories": categories, "data": _format_rows(rows, whole_seconds)}


def build_stream_measure(
    name: str, intervals: Iterable[Interval], appearances: Sequence[Appearance], *, whole_seconds: bool
) -> Measure:
    """The measure of one stream, with all categories, used or not."""
    rows = [(one.start_ns, appearances[one.category].name, one.end_ns) for one in intervals]
    categories = {one.name: {"color": one.color} for one in appearances}
    return {"measure": name, "categories": categories, "data": _format_rows(rows, whole_seconds)}


def _format_rows(rows: Sequence[tuple[int, str, int]], whole_seconds: bool) -> list[list[str]]:
    return _cut_to_seconds(rows) if whole_seconds else _format_exactly(rows)


def _format_exactly(rows: Sequence[tuple[int, str, int]]) -> list[list[str]]:
    units_ns: dict[int, int] = {}
    """The precision of each edge is that of the shorter row beside it."""
    for start_ns, _, end_ns in rows:
        unit_ns = find_precision_ns(end_ns - start_ns)
        for edge_ns in (start_ns, end_ns):
            units_ns[edge_ns] = min(units_ns.get(edge_ns, unit_ns), unit_ns)
    return [[_cut(start_ns, units_ns), name, _cut(end_ns, units_ns)] for start_ns, name, end_ns in rows]


def _cut(time_ns: int, units_ns: Mapping[int, int]) -> str:
    return format_time_exactly(time_ns // units_ns[time_ns] * units_ns[time_ns])


def _cut_to_seconds(rows: Iterable[tuple[int, str, int]]) -> list[list[str]]:
    merged: list[list[str]] = []
    for start_ns, name, end_ns in rows:
        if start_ns // SECOND_NS == end_ns // SECOND_NS:
            continue
        start, end = format_time(start_ns), format_time(end_ns)
        if merged and merged[-1][1:] == [name, start]:
            merged[-1][2] = end
        else:
            merged.append([start, name, end])
    return merged
