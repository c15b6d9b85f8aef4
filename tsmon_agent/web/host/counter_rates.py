"""Rates of counters."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from tsmon.time_units import SECOND_NS

__all__ = ["RateMeter", "rates_of"]


def rates_of(readings: Sequence[tuple[int, float]], gap_ns: int) -> list[tuple[int, float]]:
    """Rate a second between successive readings (time in nanoseconds, counter), at the time of the later one.

    There is none where the counter went back, as it does when its host or device starts anew, nor across a gap:
    between readings that are more than ``gap_ns`` apart.
    """
    rates = []
    for (before_ns, before), (time_ns, value) in pairwise(readings):
        if value >= before and 0 < time_ns - before_ns <= gap_ns:
            rates.append((time_ns, (value - before) * SECOND_NS / (time_ns - before_ns)))
    return rates


class RateMeter:
    """Rates of the counters of successive rounds; ``gap_ns`` as for :func:`rates_of`."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, float]] = {}

    def rates(self, time_ns: int, counters: Mapping[str, float], gap_ns: int) -> dict[str, float]:
        """Rates since the round before; of counters that were not there then, none."""
        rates = {}
        for key, value in counters.items():
            before = self._before.get(key)
            if before is not None and (rate := rates_of([before, (time_ns, value)], gap_ns)):
                rates[key] = rate[0][1]
        self._before = {key: (time_ns, value) for key, value in counters.items()}
        return rates
