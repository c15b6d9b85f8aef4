"""Bins of an array of times, as a store would return them."""

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tsmon.availability.deployments import Span
from tsmon.stores import Bin

__all__ = ["bin_times"]


def bin_times(times_ns: Sequence[int], spans: Iterable[Span]) -> list[Bin]:
    """Bin ascending times in the windows of each span, which are aligned to the epoch and cut at the span's edges.

    Uses NumPy for a NumPy array of int64.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(times_ns, numpy.ndarray):
        return [one for span in spans for one in _bin_array(numpy, times_ns, span)]
    return [one for span in spans for one in _bin_list(times_ns, span)]


def _bin_list(times_ns: Sequence[int], span: Span) -> Iterator[Bin]:
    every_ns = span.every_ns
    low = bisect_left(times_ns, span.start_ns)
    stop = bisect_left(times_ns, span.end_ns, low)
    while low < stop:
        first_ns = times_ns[low]
        start_ns = first_ns // every_ns * every_ns
        high = bisect_left(times_ns, start_ns + every_ns, low, stop)
        yield Bin(start_ns, first_ns, times_ns[high - 1], high - low)
        low = high


def _bin_array(numpy: Any, times_ns: Any, span: Span) -> Iterator[Bin]:
    low, stop = numpy.searchsorted(times_ns, [span.start_ns, span.end_ns])
    if low == stop:
        return
    inside = times_ns[low:stop]
    numbers = inside // span.every_ns
    starts = numpy.concatenate(([0], numpy.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    ends = numpy.concatenate((starts[1:], [len(inside)]))
    yield from map(
        Bin,
        [number * span.every_ns for number in numbers[starts].tolist()],
        inside[starts].tolist(),
        inside[ends - 1].tolist(),
        (ends - starts).tolist(),
    )
