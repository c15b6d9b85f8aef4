"""From bins, deployments and rules to intervals: one pure function."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice
from operator import is_not, sub
from typing import Final

from tsmon.availability.arguments import find_rules, read_range
from tsmon.availability.categories import Category
from tsmon.availability.deployments import BEGINNING_NS, END_NS, Deployment, Span, compute_spans
from tsmon.availability.groups import (
    Groups,
    compute_mean_separation,
    cut_to_span,
    join_bins,
    number_windows,
    sort_bins,
)
from tsmon.availability.interval import Interval
from tsmon.availability.rules import PresetName, Rules
from tsmon.availability.sparsity import compute_levels
from tsmon.availability.times import AnyTime
from tsmon.availability.typical_separation import raise_limit
from tsmon.stores import AnswerRows, Bin, BinColumns

__all__ = ["Timeline", "compute_intervals", "compute_timeline"]

# A look-up of a member in its class takes ten times as long.
_NOT_EXPECTED: Final = Category.NOT_EXPECTED
_MISSING: Final = Category.MISSING

_Piece = tuple[Category, int, int, int, int, int]
"""Category, start, end, number of points, and sum and number of their separations."""


def compute_intervals(
    bins: Sequence[Bin],
    deployments: Iterable[Deployment] | Deployment,
    rules: Rules | PresetName,
    *,
    now_ns: AnyTime,
    start_ns: AnyTime | None = None,
    end_ns: AnyTime | None = None,
) -> list[Interval]:
    """What is present, sparse, missing or not expected from ``start_ns`` to ``end_ns``, without holes or overlaps.

    Without ``start_ns`` the answer begins with the first time that is expected, without ``end_ns`` it ends with the
    last. Both only cut the answer. Bins belong to one stream, come in any order and do not overlap; with
    ``rules.gaps == "points"`` they are the windows of the spans that :func:`~tsmon.availability.compute_spans`
    returns. Raises :class:`~tsmon.errors.AvailabilityError` for impossible bins. The rules, edge by edge:

    *Times* are half open: a point at the end of a deployment is outside of it, or in the one that starts there.

    *Deployments.* Data count for the deployment that they are in. Where deployments overlap, the one that starts
    last governs. An earlier one that continues after it keeps its limit, and data are awaited there as at a start.
    An open deployment ends now; one with an end in the future is expected until now. A bin that crosses the edge of
    a deployment counts on both sides, with its part there.

    *Limit.* ``gap_fraction`` of the deployment's duration, exact, cut to whole nanoseconds. With gaps between
    points it is at least twice the expected period, or, if that is not known, twice the typical separation, cut to
    whole nanoseconds.

    *Typical separation* of a span: sum of (last - first) / sum of (count - 1) over all windows of the bin width
    (aligned to the epoch) that no edge of the span cuts, before anything is split at gaps. If less than a tenth of
    the span's separations are within these windows, as in data of one point a day, it is (last - first) /
    (count - 1) of the whole span. A span of one point has none.

    *Missing* is ``previous.last`` to ``next.first`` if that exceeds the limit; exactly the limit is not a gap. The
    same holds from the start of a deployment to its first data, and from its last data to its end. A span of a
    deployment without data is all Missing, however short. Shorter holes belong to the category before them, or at
    the start, where there is none, to the one after. A point with gaps on both sides takes no time. It is
    ``isolated`` in the Missing interval around it, whose ``count`` is 0.

    *Bins.* With gaps between bins, bins are used as reported. With gaps between points, all points of one bin width
    (aligned to the epoch) are a bin, split at gaps and at the edges of deployments; shorter holes are part of it.

    *Mean separation* of a bin: (last - first) / (count - 1). A bin of one point takes the level of the bin before
    it in the same span, across gaps too; without one before, of the next bin with more points; without any it is
    Present. A sparse bin after a gap remains sparse.

    *Mean of the whole data set*: sum of (last - first) / sum of (count - 1) over all bins, including those where
    nothing is expected.

    *Level.* A mean separation of up to ``sparse_floor`` of the deployment's duration is Present. Otherwise the
    ratio to the mean of the whole data set decides: up to ``bounds[0] + tolerance`` Present, up to ``bounds[1]``
    level 1, up to ``bounds[2]`` level 2, beyond it level 3. All three divisions are float(a) / float(b) (IEEE 754
    double), here and in every other language. If all points are in one instant, the mean is 0 and everything is
    Present.

    *Neighbours* of one category are one interval. All time outside deployments is Not Expected.
    """
    start_ns, end_ns, now_ns = read_range(start_ns, end_ns, now_ns)
    timeline = compute_timeline(bins, compute_spans(deployments, rules, now_ns=now_ns), rules)
    return timeline.intervals_between(*timeline.resolve_range(start_ns, end_ns))


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of time as spans and as intervals, and the mean separation of the whole data set, if it has one."""

    spans: Sequence[Span]
    intervals: Sequence[Interval]
    separation_ns: float | None

    def resolve_range(self, start_ns: int | None = None, end_ns: int | None = None) -> tuple[int, int]:
        """Start and end of a report: as given, else those of what is expected; an empty range if nothing is."""
        expected = [span for span in self.spans if span.deployment]
        if start_ns is None:
            start_ns = expected[0].start_ns if expected else BEGINNING_NS if end_ns is None else end_ns
        if end_ns is None:
            end_ns = expected[-1].end_ns if expected else start_ns
        return max(start_ns, BEGINNING_NS), min(max(start_ns, end_ns), END_NS)

    def intervals_between(self, start_ns: int, end_ns: int) -> list[Interval]:
        """Intervals cut to a range; their counts and separations are still those of the whole intervals.

        An empty range has none: an interval of no length would claim points.
        """
        found = (
            one
            if start_ns <= one.start_ns and one.end_ns <= end_ns
            else replace(one, start_ns=max(one.start_ns, start_ns), end_ns=min(one.end_ns, end_ns))
            for one in self.intervals
            if start_ns < end_ns and one.start_ns < end_ns and start_ns < one.end_ns
        )
        return AnswerRows(Interval, found)


def compute_timeline(bins: Sequence[Bin], spans: Sequence[Span], rules: Rules | PresetName) -> Timeline:
    """As :func:`compute_intervals`, for all of time, in the spans of :func:`~tsmon.availability.compute_spans`."""
    rules = find_rules(rules)
    ordered = sort_bins(bins)
    apart = isinstance(bins, BinColumns) and bins.every_ns % rules.bin_width_ns == 0
    groups = [cut_to_span(ordered, span) for span in spans]
    if rules.gaps == "points":
        numbers = [number_windows(bins, rules.bin_width_ns, apart=apart) for bins in groups]
        spans = [raise_limit(*one, rules) for one in zip(spans, groups, numbers, strict=True)]
        groups = [join_bins(*one) for one in zip(groups, spans, numbers, strict=True)]
    whole_ns = compute_mean_separation(ordered, groups, rules)
    pieces = (
        piece
        for span, data in zip(spans, groups, strict=True)
        for piece in _split_span(span, data, whole_ns, rules)
    )
    return Timeline(spans, list(_merge(pieces)), whole_ns)


def _split_span(span: Span, groups: Groups, whole_ns: float | None, rules: Rules) -> Iterator[_Piece]:
    """Pieces of a span, in order; they may be empty, and neighbours may have the same category."""
    firsts, lasts, counts, lengths = groups
    start_ns, limit_ns = span.start_ns, span.limit_ns
    if span.deployment is None:
        yield _NOT_EXPECTED, start_ns, span.end_ns, sum(counts), 0, 0
        return
    if not firsts:
        yield _MISSING, start_ns, span.end_ns, 0, 0, 0
        return
    if firsts[0] - start_ns > limit_ns:
        yield _MISSING, start_ns, firsts[0], 0, 0, 0
        start_ns = firsts[0]
    levels = compute_levels(groups, span, whole_ns, rules)
    gaps = _find_gaps(groups, limit_ns)
    low = 0

    def piece(end_ns: int, high: int) -> _Piece:
        points = sum(counts[low:high])
        return levels[low], start_ns, end_ns, points, sum(lengths[low:high]), points - (high - low)

    for index in sorted(gaps.union(_find_changes(levels))):
        if index in gaps:
            yield piece(lasts[index - 1], index)
            yield _MISSING, lasts[index - 1], firsts[index], 0, 0, 0
        else:
            yield piece(firsts[index], index)
        start_ns, low = firsts[index], index
    if span.end_ns - lasts[-1] > limit_ns:
        yield piece(lasts[-1], len(firsts))
        yield _MISSING, lasts[-1], span.end_ns, 0, 0, 0
    else:
        yield piece(span.end_ns, len(firsts))


def _find_gaps(groups: Groups, limit_ns: int) -> set[int]:
    """Indices of groups that follow a gap. Most spans have none, which the maximum shows quickly."""
    distances = list(map(sub, islice(groups.firsts, 1, None), groups.lasts))
    if max(distances, default=0) <= limit_ns:
        return set()
    return set(compress(itertools.count(1), map(limit_ns.__lt__, distances)))


def _find_changes(levels: Sequence[Category]) -> Iterable[int]:
    """Indices of groups whose level differs from the one before."""
    if levels.count(levels[0]) == len(levels):
        return ()
    return compress(itertools.count(1), map(is_not, islice(levels, 1, None), levels))


def _merge(pieces: Iterable[_Piece]) -> Iterator[Interval]:
    """Join neighbours of one category. Pieces that take no time go; their points pass to the next piece."""
    category = _NOT_EXPECTED
    start_ns = end_ns = BEGINNING_NS
    points = length_ns = separations = 0
    lone = 0
    for kind, start, end, count, length, number in pieces:
        if start == end:
            lone += count
            continue
        if kind is not category and start > BEGINNING_NS:
            yield _build_interval(category, start_ns, end_ns, points, length_ns, separations)
            start_ns = start
            points = length_ns = separations = 0
        category, end_ns = kind, end
        points += count + lone
        length_ns += length
        separations += number
        lone = 0
    yield _build_interval(category, start_ns, end_ns, points, length_ns, separations)


def _build_interval(
    category: Category, start_ns: int, end_ns: int, points: int, length_ns: int, separations: int
) -> Interval:
    if category is _MISSING:
        return Interval(start_ns, end_ns, category, isolated=points)
    separation_ns = float(length_ns) / float(separations) if separations else None
    return Interval(start_ns, end_ns, category, points, separation_ns)
