"""The report on a stream's availability, and several reports as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from tsmon.availability.categories import Category
from tsmon.availability.chart import ChartRow
from tsmon.availability.deployments import Span
from tsmon.availability.interval import Interval
from tsmon.availability.json_measures import Measure, build_deployments_measure, build_stream_measure
from tsmon.availability.rules import Rules
from tsmon.availability.timeline import Timeline
from tsmon.errors import AvailabilityError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "AvailabilityJson",
    "Report",
    "Total",
    "build_report",
    "plot_reports",
    "reports_to_html",
    "reports_to_json",
]


class AvailabilityJson(TypedDict):
    """Measures of one instrument as JSON: its deployments, then its streams."""

    availability: list[Measure]


@dataclass(frozen=True, slots=True)
class Total:
    """Totals over the intervals of one category in a report."""

    duration_ns: int
    intervals: int
    points: int


@dataclass(frozen=True, slots=True)
class Report:
    """Intervals of a stream from ``start_ns`` to ``end_ns``, without holes or overlaps.

    ``separation_ns`` is the mean separation of the whole data set, None if it has none. ``spans`` say which
    deployment governs when, and with which limits, raised by the typical separation of the data where the rules
    use it.
    """

    name: str
    start_ns: int
    end_ns: int
    intervals: Sequence[Interval]
    spans: Sequence[Span]
    separation_ns: float | None
    rules: Rules
    left_out: int = 0
    """Number of times of an array that were missing (NaT, NA, NaN, masked), and of rows without a value."""

    @property
    def totals(self) -> Mapping[Category, Total]:
        """Totals of all six categories, used or not."""
        return {category: self._total(category) for category in Category}

    @property
    def isolated(self) -> int:
        """Number of points that are too far from both neighbours to make time present; no interval counts them."""
        return sum(one.isolated for one in self.intervals)

    def to_json(self, *, whole_seconds: bool = False) -> AvailabilityJson:
        """``{"availability": [deployments, stream]}``, for ``json.dumps``; see :func:`reports_to_json`."""
        return reports_to_json([self], whole_seconds=whole_seconds)

    def to_measure(self, *, whole_seconds: bool = False) -> Measure:
        """The measure of the stream, without deployments; see :func:`reports_to_json`."""
        return build_stream_measure(self.name, self.intervals, self.rules.appearances, whole_seconds=whole_seconds)

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draw the intervals; see :func:`plot_reports`."""
        return plot_reports([self], axes)

    def _repr_html_(self) -> str:
        return reports_to_html([self])

    def _total(self, category: Category) -> Total:
        mine = [one for one in self.intervals if one.category is category]
        duration_ns = sum(one.end_ns - one.start_ns for one in mine)
        return Total(duration_ns, len(mine), sum(one.count for one in mine))


def build_report(
    timeline: Timeline,
    rules: Rules,
    *,
    name: object,
    start_ns: int | None,
    end_ns: int | None,
    left_out: int = 0,
) -> Report:
    """The report on a range of a timeline, by default on all that is expected.

    A column of pandas may have a number as its name, or none.
    """
    start_ns, end_ns = timeline.resolve_range(start_ns, end_ns)
    return Report(
        "data" if name is None else str(name),
        start_ns,
        end_ns,
        timeline.intervals_between(start_ns, end_ns),
        timeline.spans,
        timeline.separation_ns,
        rules,
        left_out,
    )


def plot_reports(reports: Iterable[Report] | Report, axes: "Axes | None" = None) -> "Axes":
    """Draw reports with the same deployments and range by matplotlib: a row each, with a legend and times in UTC.

    They are drawn into ``axes``, by default those of a new figure, which are returned. An interactive figure shows
    the interval under the pointer in its tool bar. Raises :class:`~tsmon.errors.AvailabilityError` without a report
    or matplotlib.
    """
    from tsmon.availability.chart.plot import plot_rows

    reports = _list_reports(reports)
    first = reports[0]
    return plot_rows(_build_rows(reports), first.spans, first.start_ns, first.end_ns, axes)


def reports_to_html(reports: Iterable[Report] | Report) -> str:
    """A chart of reports with the same deployments and range, with texts for the pointer and a table of intervals.

    It is one element of HTML that loads nothing; notebooks show a report this way. Raises
    :class:`~tsmon.errors.AvailabilityError` without a report.
    """
    from tsmon.availability.chart.html import build_html

    reports = _list_reports(reports)
    first = reports[0]
    return build_html(_build_rows(reports), first.spans, first.start_ns, first.end_ns)


def reports_to_json(reports: Iterable[Report] | Report, *, whole_seconds: bool = False) -> AvailabilityJson:
    """Reports on streams with the same deployments and range, for ``json.dumps``.

    The measure ``Deployments`` comes first, then one measure per stream. A stream is named by its method and its
    own name, such as ``streamed ctd_parsed``. Times are ``YYYY-MM-DD HH:MM:SS`` in UTC; the edge of a short row has
    a fraction of 3, 6 or 9 digits. With ``whole_seconds`` times are cut to seconds, and what is empty then is left
    out. Raises :class:`~tsmon.errors.AvailabilityError` without a report, since the deployments are then unknown.
    """
    reports = _list_reports(reports)
    first = reports[0]
    deployments = build_deployments_measure(first.spans, first.start_ns, first.end_ns, whole_seconds=whole_seconds)
    return {"availability": [deployments, *(one.to_measure(whole_seconds=whole_seconds) for one in reports)]}


def _list_reports(reports: object) -> list[Report]:
    """Reports as a list, also a single one; raises AvailabilityError for none and for anything else."""
    if isinstance(reports, Report):
        return [reports]
    if not isinstance(reports, Iterable):
        raise AvailabilityError(f"reports is of type {type(reports).__name__}; give a list of reports")
    found = list(reports)
    for position, one in enumerate(found):
        if not isinstance(one, Report):
            raise AvailabilityError(f"reports[{position}] is of type {type(one).__name__}; give a list of reports")
    if not found:
        raise AvailabilityError("there are no reports; give at least one")
    return found


def _build_rows(reports: Sequence[Report]) -> list[ChartRow]:
    return [ChartRow(one.name, one.intervals, one.rules.appearances) for one in reports]
