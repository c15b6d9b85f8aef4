"""The rules by which data count as present, sparse or missing."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import Any, Final, Literal, Self, TypeAlias

from tsmon.availability.categories import APPEARANCES, Appearance, Category
from tsmon.availability.times import Duration, to_duration_ns
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.time_units import DAY_NS

__all__ = ["BINS", "EXACT", "PRESETS", "PresetName", "Rules"]

PresetName: TypeAlias = Literal["exact", "bins"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is a gap and what is sparse. The presets are :data:`EXACT`, the default, and :data:`BINS`.

    Change a preset for other rules: ``dataclasses.replace(EXACT, gap_fraction=0.01)`` or
    ``EXACT.with_period("6min")``. ``period_ns`` and ``bin_width_ns`` take durations of other kinds too, such as a
    timedelta. Raises :class:`~tsmon.errors.AvailabilityError` for values that make no sense.
    """

    gaps: Literal["points", "bins"] = "points"
    """``points``: gaps are between points; data are queried in windows so narrow that no gap hides within one.
    ``bins``: gaps are only between bins, which are reported bins or windows of ``bin_width_ns``."""

    gap_fraction: float = 0.001
    """A longer time without data than this fraction of the deployment's duration is a gap. The limit is exact: the
    fraction counts as the decimal number it is written as; its product with the duration is cut to nanoseconds."""

    period_ns: int | None = None
    """Expected time between two points, if known. With ``gaps="points"``, up to twice this is never a gap; if it is
    None, up to twice the stream's own typical separation is not (:attr:`uses_typical_separation`)."""

    bin_width_ns: int = DAY_NS
    """Width of the bins whose sparsity is judged; they are aligned to the epoch."""

    sparse_floor: float = 0.0
    """A mean separation of up to this fraction of the deployment's duration is never sparse."""

    bounds: tuple[float, float, float] = (1.0, 1.5, 2.0)
    """Upper bounds of the ratio of a bin's mean separation to that of the whole data set: for present, for sparse
    at level 1 and at level 2. Beyond the last bound the bin is sparse at level 3."""

    tolerance: float = 0.01
    """Added to the first bound: in evenly spaced data, half of the bins exceed the mean by a tiny amount."""

    appearances: tuple[Appearance, ...] = APPEARANCES
    """Name and colour of each category, in the order of :class:`Category`."""

    def __post_init__(self) -> None:
        self._convert()
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
        if len(self.bounds) != 3:
            raise AvailabilityError(f"there are {len(self.bounds)} bounds; give three")
        first, second, third = self.bounds
        if not 0 < first + self.tolerance <= second <= third < float("inf"):
            raise AvailabilityError(
                f"bounds are {first}, {second}, {third} with a tolerance of {self.tolerance}; let them increase"
            )
        if len(self.appearances) != len(Category):
            raise AvailabilityError(
                f"there are {len(self.appearances)} appearances; give one for each of {len(Category)} categories"
            )

    def with_period(self, period: Duration | None) -> Self:
        """The same rules with another expected time between points: ``"6min"``, a timedelta; None if unknown."""
        return replace(self, period_ns=None if period is None else to_duration_ns(period, "period"))

    def _convert(self) -> None:
        """Durations of other kinds to nanoseconds, and lists to tuples; refuse what is no number."""
        changes: dict[str, Any] = {}
        for name in ("period_ns", "bin_width_ns"):
            duration = getattr(self, name)
            if type(duration) is not int and (duration is not None or name == "bin_width_ns"):
                changes[name] = to_duration_ns(duration, name, has_unit=True)
        for name in ("bounds", "appearances"):
            if not isinstance(getattr(self, name), tuple):
                changes[name] = _to_tuple(name, getattr(self, name))
        for name, value in changes.items():
            object.__setattr__(self, name, value)
        numbers = [(name, getattr(self, name)) for name in ("gap_fraction", "sparse_floor", "tolerance")]
        for name, number in (*numbers, *(("bounds", bound) for bound in self.bounds)):
            if type(number) is bool or not isinstance(number, Real):
                raise AvailabilityError(f"{name} is {number!r}; give a number")

    @property
    def uses_typical_separation(self) -> bool:
        """Whether limits depend on the data: gaps are between points, and their period is not known."""
        return self.gaps == "points" and self.period_ns is None

    def limit_ns(self, duration_ns: int) -> int:
        """Longest time without data that is not a gap in a deployment of ``duration_ns``, in nanoseconds.

        With :attr:`uses_typical_separation` it is the least limit; the data may raise it.
        """
        numerator, denominator = Decimal(str(self.gap_fraction)).as_integer_ratio()
        limit_ns = duration_ns * numerator // denominator
        if self.gaps == "points" and self.period_ns is not None:
            limit_ns = max(limit_ns, 2 * self.period_ns)
        return min(limit_ns, MAX_TIME_NS)

    def floor_ns(self, duration_ns: int) -> float:
        """Largest mean separation that is never sparse in a deployment of ``duration_ns``, in nanoseconds."""
        numerator, denominator = Decimal(str(self.sparse_floor)).as_integer_ratio()
        return duration_ns * numerator / denominator

    def every_ns(self, duration_ns: int) -> int:
        """Width of the windows in which a deployment's data are queried, in nanoseconds.

        With ``gaps="points"`` windows are no wider than the limit, so that no window contains a gap, and they
        divide the bin width evenly, so that each window is within one bin. A deployment has ``1 / gap_fraction``
        windows, or up to twice as many. If bins are narrower than the limit, the windows are the bins.
        """
        if self.gaps == "bins":
            return self.bin_width_ns
        parts = -(-self.bin_width_ns // max(self.limit_ns(duration_ns), 1))
        divisors = _divisors(self.bin_width_ns)
        return self.bin_width_ns // divisors[bisect_left(divisors, parts)]


EXACT: Final = Rules()
"""Gaps between points, never within twice their period, which is the expected one, or else what is typical of them.
A mean separation of more than 1.01 times that of the whole data set is sparse."""

BINS: Final = Rules(gaps="bins", sparse_floor=0.001, tolerance=0.0)
"""Gaps only between bins. A mean separation of up to 0.1 % of the deployment is never sparse; no tolerance."""

PRESETS: Final = {"exact": EXACT, "bins": BINS}


def _to_tuple(name: str, values: Any) -> tuple[Any, ...]:
    try:
        return tuple(values)
    except TypeError:
        raise AvailabilityError(f"{name} is {values!r}; give several values") from None


@lru_cache(64)
def _divisors(number: int) -> list[int]:
    """``number`` and its divisors with prime factors up to 7, ascending; round numbers have many."""
    found = [1]
    rest = number
    for prime in (2, 3, 5, 7):
        powers = [1]
        while rest % prime == 0:
            rest //= prime
            powers.append(powers[-1] * prime)
        found = [one * power for one in found for power in powers]
    return sorted({*found, number})
