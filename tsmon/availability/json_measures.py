"""Measures, the JSON form of availability: a name, categories with colours, and rows.

A row is ``[start, category, end]`` with times ``YYYY-MM-DD HH:MM:SS`` in UTC, cut to whole seconds. A row that is
then empty is left out, and equal neighbours on both sides of it become one row.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypedDict

from tsmon.availability.categories import Appearance
from tsmon.availability.deployments import Span
from tsmon.availability.interval import Interval
from tsmon.availability.time_format import format_time
from tsmon.time_units import SECOND_NS

__all__ = ["Measure", "build_deployments_measure", "build_stream_measure"]

DEPLOYMENT_COLOR: Final = "#0073cf"


class Measure(TypedDict):
    """One measure as JSON."""

    measure: str
    categories: dict[str, dict[str, str]]
    data: list[list[str]]


def build_deployments_measure(spans: Iterable[Span], start_ns: int, end_ns: int) -> Measure:
    """The measure ``Deployments``: which deployment governs when. Rows never overlap."""
    rows = [
        (max(span.start_ns, start_ns), f"Deployment: {span.deployment.number}", min(span.end_ns, end_ns))
        for span in spans
        if span.deployment and span.start_ns < end_ns and start_ns < span.end_ns
    ]
    categories = {name: {"color": DEPLOYMENT_COLOR} for _, name, _ in rows}
    return {"measure": "Deployments", "categories": categories, "data": _texts(rows)}


def build_stream_measure(name: str, intervals: Iterable[Interval], appearances: Sequence[Appearance]) -> Measure:
    """The measure of one stream, with all categories, used or not."""
    rows = [(one.start_ns, appearances[one.category].name, one.end_ns) for one in intervals]
    categories = {one.name: {"color": one.color} for one in appearances}
    return {"measure": name, "categories": categories, "data": _texts(rows)}


def _texts(rows: Iterable[tuple[int, str, int]]) -> list[list[str]]:
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
