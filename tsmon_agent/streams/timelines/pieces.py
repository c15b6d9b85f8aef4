"""Intervals as the pieces of a row: as wide as they are long, but never so narrow that a gap is lost.

Positions are percent of the row. Neighbouring intervals that are too narrow to be seen become one piece, which
shows the worst of them and lists all in its text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tsmon.availability import Appearance, Category, Interval, Span, format_time_range
from tsmon.availability.chart.narrow_intervals import NARROWEST, group_narrow, worst_category
from tsmon.time_units import SECOND_NS
from tsmon_agent.formatting import count, duration

__all__ = ["Piece", "build_deployment_pieces", "build_pieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle from ``x`` on, ``width`` wide; ``text`` describes it in words, one line for each fact.

    ``kind`` is the number of the category or of the deployment.
    """

    x: str
    width: str
    kind: int
    text: str


def build_pieces(
    intervals: Iterable[Interval], start_ns: int, end_ns: int, appearances: Sequence[Appearance]
) -> list[Piece]:
    """Build the pieces of a stream's row from ``start_ns`` to ``end_ns``; narrow ones come last, so on top."""
    if start_ns >= end_ns:
        return []
    scale = 100 / (end_ns - start_ns)
    wide, narrow = [], []
    for group in group_narrow(intervals, NARROWEST / scale):
        worst = worst_category(*(one.category for one in group))
        x = (group[0].start_ns - start_ns) * scale
        width = (group[-1].end_ns - group[0].start_ns) * scale
        text = _describe_one(group[0], appearances) if len(group) == 1 else _describe_several(group, appearances)
        if width < NARROWEST:
            x = min(x, 100 - NARROWEST)
            narrow.append(_build_piece(x, NARROWEST, worst, text))
        else:
            wide.append(_build_piece(x, width, worst, text))
    return wide + narrow


def build_deployment_pieces(spans: Iterable[Span], start_ns: int, end_ns: int) -> list[Piece]:
    """Build the pieces of the row of deployments: which of them governs when."""
    found = []
    for span in spans:
        low_ns, high_ns = max(span.start_ns, start_ns), min(span.end_ns, end_ns)
        if span.deployment is not None and low_ns < high_ns:
            scale = 100 / (end_ns - start_ns)
            width = max((high_ns - low_ns) * scale, NARROWEST)
            text = f"Deployment: {span.deployment.number}\n{_format_extent(span.start_ns, span.end_ns)}"
            found.append(
                _build_piece(min((low_ns - start_ns) * scale, 100 - width), width, span.deployment.number, text)
            )
    return found


def _build_piece(x: float, width: float, kind: int, text: str) -> Piece:
    return Piece(f"{x:.4g}%", f"{width:.4g}%", kind, text)


def _format_extent(start_ns: int, end_ns: int) -> str:
    length = duration((end_ns - start_ns) / SECOND_NS)
    start, end = format_time_range(start_ns, end_ns)
    return f"{start} to {end} UTC ({length})"


def _describe_one(one: Interval, appearances: Sequence[Appearance]) -> str:
    facts = [appearances[one.category].name, _format_extent(one.start_ns, one.end_ns)]
    if one.count or one.category not in (Category.MISSING, Category.NOT_EXPECTED):
        facts.append(f"{count(one.count)} {'point' if one.count == 1 else 'points'}")
    if one.isolated:
        facts.append(f"{count(one.isolated)} isolated {'point' if one.isolated == 1 else 'points'}")
    if one.separation_ns is not None:
        facts.append(f"{duration(one.separation_ns / SECOND_NS)} apart on average")
    return "\n".join(facts)


def _describe_several(group: Sequence[Interval], appearances: Sequence[Appearance]) -> str:
    facts = [f"{len(group)} short intervals", _format_extent(group[0].start_ns, group[-1].end_ns)]
    for category in Category:
        members = [one for one in group if one.category is category]
        if members:
            length_ns = sum(one.end_ns - one.start_ns for one in members)
            facts.append(f"{appearances[category].name}: {duration(length_ns / SECOND_NS)}")
    facts.append("Zoom in to see each of them.")
    return "\n".join(facts)
