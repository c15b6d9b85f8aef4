"""Windows that InfluxDB computes: their edges are times that it can represent.

InfluxDB 2.9 answers ``window |> count`` with empty tables without end, and ``first`` and ``last`` with wrong edges,
where a window with points begins before the first possible time or ends after the last. So does a bare ``count()``,
``sum()`` or ``mean()`` over a range that ends before the epoch, since its window is infinite. Therefore nothing is
aggregated without a window of finite length, and the incomplete windows at both ends of time get one of their own.
"""

from typing import Final

__all__ = ["MAX_TIME_NS", "MIN_TIME_NS", "WIDEST_NS", "clip", "split_at_ends"]

MIN_TIME_NS: Final = -(2**63) + 2
MAX_TIME_NS: Final = 2**63 - 2

WIDEST_NS: Final = MAX_TIME_NS
"""The longest window: one before the epoch, and one from there on, are all of time."""


def clip(start_ns: int, stop_ns: int) -> tuple[int, int]:
    """The part of a span that the server can represent."""
    return max(start_ns, MIN_TIME_NS), min(stop_ns, MAX_TIME_NS)


def split_at_ends(start_ns: int, stop_ns: int, every_ns: int) -> list[tuple[int, int, int]]:
    """Start, end and window width of the parts of a span, so that every edge of a window is a possible time.

    A part with another width than ``every_ns`` is within one window, which is incomplete.
    """
    start_ns, stop_ns = clip(start_ns, stop_ns)
    low_ns = min(max(-(-MIN_TIME_NS // every_ns) * every_ns, start_ns), stop_ns)
    high_ns = max(min(MAX_TIME_NS // every_ns * every_ns, stop_ns), low_ns)
    parts = (
        (start_ns, low_ns, WIDEST_NS),
        (low_ns, high_ns, every_ns),
        (high_ns, stop_ns, WIDEST_NS),
    )
    return [part for part in parts if part[0] < part[1]]
