"""The typical separation of a stream's points in a span, where no period is known, and the limit that follows."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, islice
from operator import eq, sub
from typing import Final

from tsmon.availability.deployments import Span
from tsmon.availability.groups import Groups
from tsmon.availability.rules import Rules
from tsmon.line_protocol.times import MAX_TIME_NS

__all__ = ["LEAST_SHARE", "raise_limit"]

LEAST_SHARE: Final = 10
"""Windows are representative if they contain at least one in so many separations of the span.

Otherwise a single repeated point would make a stream of one point a day appear to have one a second.
"""


def raise_limit(span: Span, bins: Groups, numbers: Sequence[int] | None, rules: Rules) -> Span:
    """The span with the limit that its data give it, which is at least twice their typical separation.

    Points of several series at one instant count as several. ``bins`` are those within the span, before they are
    joined, and split at gaps; ``numbers`` are those of their windows of the rules' width, None if each is alone in
    its window.
    """
    if span.deployment is None or not rules.uses_typical_separation:
        return span
    length_ns, separations = _sum_whole_windows(span, bins, numbers, rules.bin_width_ns)
    of_span = sum(bins.counts) - 1
    if LEAST_SHARE * separations < of_span:
        length_ns, separations = bins.lasts[-1] - bins.firsts[0], of_span
    if separations < 1:
        return span
    return replace(span, limit_ns=max(span.limit_ns, min(2 * length_ns // separations, MAX_TIME_NS)))


def _sum_whole_windows(span: Span, bins: Groups, numbers: Sequence[int] | None, width_ns: int) -> tuple[int, int]:
    """Sum and number of the separations within the windows of ``width_ns`` that no edge of the span cuts.

    These are the same whether windows of this width are read or narrower ones, and points or rollups.
    """
    low = bisect_left(bins.firsts, -(-span.start_ns // width_ns) * width_ns)
    high = bisect_left(bins.lasts, span.end_ns // width_ns * width_ns)
    if low >= high:
        return 0, 0
    length_ns = sum(islice(bins.lengths, low, high))
    separations = sum(islice(bins.counts, low, high)) - (high - low)
    if numbers is not None:
        firsts, own = bins.firsts[low:high], numbers[low:high]
        is_joined = list(map(eq, islice(own, 1, None), own))
        length_ns += sum(compress(map(sub, islice(firsts, 1, None), islice(bins.lasts, low, high)), is_joined))
        separations += sum(is_joined)
    return length_ns, separations
