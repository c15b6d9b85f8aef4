"""The rules by which data are called present, sparse or missing."""

from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from tsmon.availability.categories import APPEARANCES, Appearance, Category
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.values import MAX_TIME_NS
from tsmon.time_units import DAY_NS

__all__ = ["BINS", "EXACT", "PRESETS", "Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is a gap, and what is sparse; presets are :data:`EXACT`, the default, and :data:`BINS`.

    For other rules change a preset: ``dataclasses.replace(EXACT, gap_fraction=0.01)``. Raises
    :class:`~tsmon.errors.AvailabilityError` for values that cannot be meant.
    """

    gaps: Literal["points", "bins"] = "points"
    """``points``: a gap lies between any two points; data are asked for in windows so narrow that none hides.
    ``bins``: a gap lies between bins as they are given, or between windows of ``bin_width_ns``."""

    gap_fraction: float = 0.001
    """No data for more than this part of the deployment's duration are a gap. It is taken as the decimal number
    that it is written as, so the limit is exact: the product with the duration, cut to whole nanoseconds."""

    period_ns: int | None = None
    """Expected time between two points, where known: with ``gaps="points"`` less than twice of it is no gap."""

    bin_width_ns: int = DAY_NS
    """Width of the bins for which sparsity is told, aligned to the epoch."""

    sparse_floor: float = 0.0
    """A mean separation of up to this part of the deployment's duration is never sparse."""

    bounds: tuple[float, float, float] = (1.0, 1.5, 2.0)
    """Up to which ratio of a bin's mean separation to that of the whole data set it is present, sparse at level
    1, sparse at level 2; beyond the last it is sparse at level 3."""

    tolerance: float = 0.01
    """Added to the first bound, since of equally spaced data half the bins are above the mean by a trifle."""

    appearances: tuple[Appearance, ...] = APPEARANCES
    """How each category is shown, in the order of :class:`Category`."""

    def __post_init__(self) -> None:
        if self.gaps not in ("points", "bins"):
            raise AvailabilityError(f'gaps is {self.gaps!r}; choose "points" or "bins"')
        if not 0 < self.gap_fraction <= 1:
            raise AvailabilityError(f"gap_fraction is {self.gap_fraction}; give more than 0 and at most 1")
        if self.period_ns is not None and not 0 < self.period_ns <= MAX_TIME_NS:
            raise AvailabilityError(f"the period is {self.period_ns} ns; give more than 0, or None if unknown")
        if not 0 < self.bin_width_ns <= MAX_TIME_NS:
            raise AvailabilityError(f"the bin width is {self.bin_width_ns} ns; give more than 0")
        if not 0 <= self.sparse_floor <= 1:
            raise AvailabilityError(f"sparse_floor is {self.sparse_floor}; give 0 to 1")
        if not 0 <= self.tolerance < float("inf"):
            raise AvailabilityError(f"tolerance is {self.tolerance}; give 0 or more")
        first, second, third = self.bounds
        if not 0 < first + self.tolerance <= second <= third < float("inf"):
            raise AvailabilityError(
                f"bounds are {first}, {second}, {third} with a tolerance of {self.tolerance}; let them increase"
            )
        if len(self.appearances) != len(Category):
            raise AvailabilityError(
                f"there are {len(self.appearances)} appearances; give one for each of {len(Category)} categories"
            )

    def limit_ns(self, duration_ns: int) -> int:
        """Longest time without data, in nanoseconds, that is not a gap in a deployment of ``duration_ns``."""
        numerator, denominator = Decimal(str(self.gap_fraction)).as_integer_ratio()
        limit_ns = duration_ns * numerator // denominator
        if self.gaps == "points" and self.period_ns is not None:
            return max(limit_ns, 2 * self.period_ns)
        return limit_ns

    def floor_ns(self, duration_ns: int) -> float:
        """Largest mean separation, in nanoseconds, that is never sparse in a deployment of ``duration_ns``."""
        numerator, denominator = Decimal(str(self.sparse_floor)).as_integer_ratio()
        return duration_ns * numerator / denominator

    def every_ns(self, duration_ns: int) -> int:
        """Width of the windows in which data of a deployment are asked for, in nanoseconds.

        With ``gaps="points"`` no wider than the limit, so that within one window there is no gap, and a whole
        part of the bin's width, so that every window lies in one bin. That makes ``1 / gap_fraction``
        windows for a deployment, or up to twice as many; where bins are narrower than the limit, the bins are
        the windows.
        """
        if self.gaps == "bins":
            return self.bin_width_ns
        parts = -(-self.bin_width_ns // max(self.limit_ns(duration_ns), 1))
        divisors = _divisors(self.bin_width_ns)
        return self.bin_width_ns // divisors[bisect_left(divisors, parts)]


EXACT: Final = Rules()
"""Gaps between points, whatever the windows; any separation may be sparse, but 1 % more than the mean is not."""

BINS: Final = Rules(gaps="bins", sparse_floor=0.001, tolerance=0.0)
"""Gaps between bins; a separation of up to 0.1 % of the deployment is not sparse, and nothing is tolerated."""

PRESETS: Final = {"exact": EXACT, "bins": BINS}


@lru_cache(64)
def _divisors(number: int) -> list[int]:
    """``number`` and its divisors without a prime factor above 7, in order; a round number of seconds has many."""
    found = [1]
    rest = number
    for prime in (2, 3, 5, 7):
        powers = [1]
        while rest % prime == 0:
            rest //= prime
            powers.append(powers[-1] * prime)
        found = [one * power for one in found for power in powers]
    return sorted({*found, number})
