"""Bins grouped for judging: ordered, split by span, and joined if gaps are between points."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise, repeat
from operator import attrgetter, floordiv, le, sub
from typing import NamedTuple

from tsmon.availability.deployments import BEGINNING_NS, END_NS, Span
from tsmon.availability.rules import Rules
from tsmon.errors import AvailabilityError
from tsmon.stores import Bin
from tsmon.stores.window_columns import BinColumns, columns_of

__all__ = ["Groups", "compute_mean_separation", "cut_to_span", "join_bins", "number_windows", "sort_bins"]


class Groups(NamedTuple):
    """Groups of points that are each judged as one, in order, as columns, since a million rows would be slow.

    The columns are the times of the first and last point within the span, the numbers of points, and the lengths
    from first to last point, from which separations follow. The length of a bin that crosses an edge of the span is
    that of the whole bin.
    """

    firsts: list[int]
    lasts: list[int]
    counts: list[int]
    lengths: list[int]


def sort_bins(bins: Sequence[Bin]) -> Groups:
    """Bins with points, by time; raises :class:`~tsmon.errors.AvailabilityError` for impossible bins."""
    columns = _columns(bins)
    firsts, lasts, counts, lengths = columns
    if not firsts or (
        min(counts) > 0
        and firsts[0] >= BEGINNING_NS
        and min(lengths) >= 0
        and (isinstance(bins, BinColumns) or all(map(le, lasts, islice(firsts, 1, None))))
    ):
        return columns
    ordered = sorted((one for one in bins if one.count), key=attrgetter("first_ns", "last_ns"))
    for one in ordered:
        if one.count < 1 or not BEGINNING_NS <= one.first_ns <= one.last_ns:
            raise AvailabilityError(f"{one} is impossible; give first_ns <= last_ns and the number of points")
    for before, after in pairwise(ordered):
        if after.first_ns < before.last_ns:
            raise AvailabilityError(f"{after} begins before {before} ends; give bins that do not overlap")
    return _columns(ordered)


def cut_to_span(ordered: Groups, span: Span) -> Groups:
    """Bins within a span; one that crosses its edge is cut there."""
    low = bisect_left(ordered.firsts, span.start_ns)
    high = bisect_left(ordered.firsts, span.end_ns)
    if low and ordered.lasts[low - 1] >= span.start_ns:
        low -= 1
    groups = Groups(*(column[low:high] for column in ordered))
    if low < high:
        groups.firsts[0] = max(groups.firsts[0], span.start_ns)
        groups.lasts[-1] = min(groups.lasts[-1], span.end_ns)
    return groups


def number_windows(bins: Groups, width_ns: int, *, apart: bool = False) -> list[int] | None:
    """The number of the window of ``width_ns`` that each bin begins in; None if no two are in one.

    ``apart`` promises that no two are.
    """
    if apart:
        return None
    numbers = list(map(floordiv, bins.firsts, repeat(width_ns)))
    return None if len(set(numbers)) == len(numbers) else numbers


def join_bins(bins: Groups, span: Span, numbers: Sequence[int] | None) -> Groups:
    """Groups of bins with gaps between points: neighbours in one window that no gap splits are one group."""
    firsts, lasts, counts, lengths = bins
    if numbers is None:
        for index in (0, -1) if firsts else ():  # the first and last may have been cut
            lengths[index] = lasts[index] - firsts[index]
        return bins
    limit_ns = span.limit_ns if span.deployment else END_NS  # there are no gaps outside deployments
    joined = Groups([firsts[0]], [], [], [])
    number, reached_ns, points = numbers[0], lasts[0], 0
    for first, last, count, own in zip(firsts, lasts, counts, numbers, strict=True):
        if own != number or first - reached_ns > limit_ns:
            joined.lasts.append(reached_ns)
            joined.counts.append(points)
            joined.firsts.append(first)
            number, points = own, 0
        reached_ns = last
        points += count
    joined.lasts.append(reached_ns)
    joined.counts.append(points)
    joined.lengths[:] = map(sub, joined.lasts, joined.firsts)
    return joined


def compute_mean_separation(ordered: Groups, groups: Iterable[Groups], rules: Rules) -> float | None:
    """Mean separation of the whole data set in nanoseconds; a reported bin counts once, even if it crosses edges.

    None if no bin has two points.
    """
    whole = [ordered] if rules.gaps == "bins" else list(groups)
    length_ns = sum(sum(one.lengths) for one in whole)
    separations = sum(sum(one.counts) - len(one.counts) for one in whole)
    return float(length_ns) / float(separations) if separations else None


def _columns(bins: Sequence[Bin]) -> Groups:
    firsts, lasts, counts = columns_of(bins)
    return Groups(firsts, lasts, counts, list(map(sub, lasts, firsts)))
