"""The rows of an instrument's timeline, as pieces and in figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tsmon.availability import Category, Report, Total, format_time_exactly
from tsmon.availability.chart.pieces import Piece
from tsmon.time_units import SECOND_NS
from tsmon_agent.formatting import NO_BREAK, count, duration
from tsmon_agent.streams.availability.instrument import Instrument, ObservedStream
from tsmon_agent.streams.timelines.pieces import build_pieces

__all__ = ["IntervalRow", "TimelineRow", "build_interval_rows", "build_timeline_rows"]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A stream's row: its pieces; as text its share of each category, mean separation and number of points."""

    stream: ObservedStream
    pieces: Sequence[Piece]
    shares: Sequence[str]
    separation: str
    points: str

    @property
    def summary(self) -> str:
        """The row as one sentence, for people who cannot see it."""
        present, missing = self.shares[Category.PRESENT], self.shares[Category.MISSING]
        return f"{self.stream.title}: {present} present, {missing} missing, {self.points} points"


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """An interval of a stream, as text."""

    stream: str
    start: str
    end: str
    category: Category
    name: str
    length: str
    points: str
    separation: str


def build_timeline_rows(
    instrument: Instrument, reports: Sequence[Report], start_ns: int, end_ns: int
) -> list[TimelineRow]:
    """Build a row for each stream."""
    return [
        _build_row(stream, report, start_ns, end_ns)
        for stream, report in zip(instrument.streams, reports, strict=True)
    ]


def build_interval_rows(reports: Sequence[Report]) -> Iterator[IntervalRow]:
    """Build a row of text for each interval of all streams."""
    for report in reports:
        for one in report.intervals:
            separation = "" if one.separation_ns is None else duration(one.separation_ns / SECOND_NS)
            isolated = f" ({count(one.isolated)} isolated)" if one.isolated else ""
            yield IntervalRow(
                report.name,
                format_time_exactly(one.start_ns),
                format_time_exactly(one.end_ns),
                one.category,
                report.rules.appearances[one.category].name,
                duration((one.end_ns - one.start_ns) / SECOND_NS),
                f"{count(one.count)}{isolated}",
                separation,
            )


def _build_row(stream: ObservedStream, report: Report, start_ns: int, end_ns: int) -> TimelineRow:
    totals = report.totals
    expected_ns = sum(total.duration_ns for kind, total in totals.items() if kind is not Category.NOT_EXPECTED)
    separation = "none" if report.separation_ns is None else duration(report.separation_ns / SECOND_NS)
    return TimelineRow(
        stream,
        build_pieces(report.intervals, start_ns, end_ns, report.rules.appearances),
        [_format_share(kind, total, expected_ns, end_ns - start_ns) for kind, total in totals.items()],
        separation,
        count(sum(total.points for total in totals.values()) + report.isolated),
    )


def _format_share(kind: Category, total: Total, expected_ns: int, whole_ns: int) -> str:
    """Format a share of the expected time, rounded so that only none of it is 0 and only all of it is 100."""
    of_ns = whole_ns if kind is Category.NOT_EXPECTED else expected_ns
    if not total.duration_ns:
        return f"0{NO_BREAK}%"
    if total.duration_ns >= of_ns:
        return f"100{NO_BREAK}%"
    percent = 100 * total.duration_ns / of_ns
    if percent < 0.1:
        return f"< 0.1{NO_BREAK}%"
    return f"{min(percent, 99.9):.1f}{NO_BREAK}%"
