"""Windows of consecutive parts of time as one list, where rollups of different widths cross the edges."""

from collections.abc import Sequence
from itertools import takewhile

from tsmon.stores import Bin

__all__ = ["append_windows"]


def append_windows(bins: list[Bin], more: Sequence[Bin]) -> None:
    """Append the windows of the next part.

    A window that crosses the edge may be in the answers on both sides, and narrower ones beyond the edge may lie
    within it. Then it keeps only what they do not count, as near to its own end as they allow.
    """
    if not bins or not more:
        bins += more
        return
    last, first = bins[-1], more[0]
    if last == first:
        bins += more[1:]
    elif first.first_ns > last.last_ns:
        bins += more
    elif first.last_ns <= last.last_ns:
        within = sum(one.count for one in takewhile(lambda one: one.last_ns <= last.last_ns, more))
        rest = last.count - within
        bins.pop()
        if rest > 0 and last.first_ns < first.first_ns:
            last_ns = last.first_ns if rest == 1 else first.first_ns - 1
            bins.append(Bin(last.start_ns, last.first_ns, last_ns, rest))
        bins += more
    else:
        within = sum(one.count for one in takewhile(lambda one: one.first_ns >= first.first_ns, reversed(bins)))
        rest = first.count - within
        if rest > 0:
            first_ns = first.last_ns if rest == 1 else last.last_ns + 1
            bins.append(Bin(first.start_ns, first_ns, first.last_ns, rest))
        bins += more[1:]
