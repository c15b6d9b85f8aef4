"""Rates of counters."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from tsmon.time_units import SECOND_NS

__all__ = ["RateMeter", "compute_rates"]


def compute_rates(readings: Sequence[tuple[int, float]], gap_ns: int) -> list[tuple[int, float]]:
    """Rates per second between successive readings (time in nanoseconds, counter), each at the later time.

    There is no rate where the counter decreased, as it does when its host or device restarts, nor across a gap
    (between readings that are more than ``gap_ns`` apart).
    """
    rates = []
    for (before_ns, before), (time_ns, value) in pairwise(readings):
        if value >= before and 0 < time_ns - before_ns <= gap_ns:
            rates.append((time_ns, (value - before) * SECOND_NS / (time_ns - before_ns)))
    return rates


class RateMeter:
    """Rates of the counters of successive rounds."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, float]] = {}

    def update(self, time_ns: int, counters: Mapping[str, float], gap_ns: int) -> dict[str, float]:
        """Rates since the previous round, of counters that were in it; ``gap_ns`` as in :func:`compute_rates`."""
        rates = {}
        for key, value in counters.items():
            before = self._before.get(key)
            if before is not None and (rate := compute_rates([before, (time_ns, value)], gap_ns)):
                rates[key] = rate[0][1]
        self._before = {key: (time_ns, value) for key, value in counters.items()}
        return rates
