"""Bins as they are judged: in order, by span, and joined where gaps are looked for between points."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

from tsmon.availability.deployments import BEGINNING_NS, Span
from tsmon.availability.rules import Rules
from tsmon.errors import AvailabilityError
from tsmon.stores import Bin

__all__ = ["Group", "groups_of", "in_order", "mean_separation"]

Group = tuple[int, int, int, int]
"""What is judged as one: first and last time within its span, number of points, and the length from first to last
point that tells their separation (of a bin that crosses an edge of the span the whole bin's). A plain tuple, since
there may be a million."""

_first: Final = attrgetter("first_ns")
_last: Final = attrgetter("last_ns")
_count: Final = attrgetter("count")


def in_order(bins: Sequence[Bin]) -> Sequence[Bin]:
    """Bins that hold something, by time; raises :class:`~tsmon.errors.AvailabilityError` for impossible ones."""
    reached_ns = BEGINNING_NS
    for one in bins:
        if one.count < 1 or not reached_ns <= one.first_ns <= one.last_ns:
            break
        reached_ns = one.last_ns
    else:
        return bins
    ordered = sorted((one for one in bins if one.count), key=attrgetter("first_ns", "last_ns"))
    for one in ordered:
        if one.count < 1 or not BEGINNING_NS <= one.first_ns <= one.last_ns:
            raise AvailabilityError(f"{one} cannot be; give first_ns <= last_ns and the number of points")
    for before, after in pairwise(ordered):
        if after.first_ns < before.last_ns:
            raise AvailabilityError(f"{after} begins before {before} ends; give bins that do not overlap")
    return ordered


def groups_of(ordered: Sequence[Bin], span: Span, rules: Rules) -> list[Group]:
    """What lies in a span; a bin that crosses its edge is cut there."""
    low = bisect_left(ordered, span.start_ns, key=_first)
    high = bisect_left(ordered, span.end_ns, key=_first)
    if low and ordered[low - 1].last_ns >= span.start_ns:
        low -= 1
    groups = [(one.first_ns, one.last_ns, one.count, one.last_ns - one.first_ns) for one in ordered[low:high]]
    if groups:
        first_ns, last_ns, count, length_ns = groups[0]
        groups[0] = max(first_ns, span.start_ns), last_ns, count, length_ns
        first_ns, last_ns, count, length_ns = groups[-1]
        groups[-1] = first_ns, min(last_ns, span.end_ns), count, length_ns
    return _joined(groups, span, rules.bin_width_ns) if rules.gaps == "points" and groups else groups


def mean_separation(ordered: Sequence[Bin], groups: Iterable[Sequence[Group]], rules: Rules) -> float | None:
    """Mean of the whole data set in nanoseconds, in which a bin as given is there once, whatever edges it crosses.

    None where no bin has two points.
    """
    if rules.gaps == "bins":
        length_ns = sum(map(_last, ordered)) - sum(map(_first, ordered))
        separations = sum(map(_count, ordered)) - len(ordered)
    else:
        length_ns = sum(length for data in groups for _, _, _, length in data)
        separations = sum(count - 1 for data in groups for _, _, count, _ in data)
    return float(length_ns) / float(separations) if separations else None


def _joined(groups: list[Group], span: Span, width_ns: int) -> list[Group]:
    """Neighbours in one bin of ``width_ns`` made one, but not over a gap."""
    # Outside of deployments there are no gaps.
    limit_ns = span.limit_ns if span.deployment else width_ns
    if len({group[0] // width_ns for group in groups}) == len(groups):
        for index in (0, -1):  # each is alone in its bin; those at the edges were cut
            first_ns, last_ns, points, _ = groups[index]
            groups[index] = first_ns, last_ns, points, last_ns - first_ns
        return groups
    joined: list[Group] = []
    first_ns, last_ns, points, _ = groups[0]
    number = first_ns // width_ns
    for first, last, count, _ in groups[1:]:
        if first // width_ns != number or first - last_ns > limit_ns:
            joined.append((first_ns, last_ns, points, last_ns - first_ns))
            first_ns, points = first, 0
            number = first // width_ns
        last_ns = last
        points += count
    joined.append((first_ns, last_ns, points, last_ns - first_ns))
    return joined
