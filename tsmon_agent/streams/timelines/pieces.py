"""The texts of the pieces of a timeline: what is drawn, in words and figures."""

from collections.abc import Iterable, Sequence

from tsmon.availability import Appearance, Category, Interval, Span, format_time_range
from tsmon.availability.chart import pieces
from tsmon.availability.chart.pieces import Piece
from tsmon.time_units import SECOND_NS
from tsmon_agent.formatting import count, duration

__all__ = ["build_deployment_pieces", "build_pieces"]


def build_pieces(
    intervals: Iterable[Interval], start_ns: int, end_ns: int, appearances: Sequence[Appearance]
) -> list[Piece]:
    """Build the pieces of a stream's row; see :func:`tsmon.availability.chart.pieces.build_pieces`."""

    def describe(group: Sequence[Interval]) -> str:
        return _describe_one(group[0], appearances) if len(group) == 1 else _describe_several(group, appearances)

    return pieces.build_pieces(intervals, start_ns, end_ns, describe)


def build_deployment_pieces(spans: Iterable[Span], start_ns: int, end_ns: int) -> list[Piece]:
    """Build the pieces of the row of deployments: which of them governs when."""
    return pieces.build_deployment_pieces(
        spans,
        start_ns,
        end_ns,
        lambda number, span: f"Deployment: {number}\n{_format_extent(span.start_ns, span.end_ns)}",
    )


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
