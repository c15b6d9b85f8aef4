"""A sketch of a distribution, which yields quantiles with a bounded relative error.

DDSketch: Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
Guarantees", PVLDB 12(12), 2019. With relative error a and base g = (1 + a) / (1 - a), a positive value belongs to
the bucket whose number is its logarithm to base g, rounded up; the middle of a bucket is within a of every value
in it. Sketches with the same error are merged by adding their buckets.
"""

import math
from collections.abc import Iterable
from typing import Final, Self

__all__ = ["Sketch"]

ACCURACY: Final = 0.01
"""Relative error of quantiles."""

MAX_BUCKETS: Final = 2_048
"""At an error of 1 % they span 17 orders of magnitude; beyond that, the lowest buckets are merged."""

_GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
_PER_LOG: Final = 1 / math.log(_GAMMA)


class Sketch:
    """Counts zero and positive values by their magnitude; any other value counts as zero."""

    __slots__ = ("_buckets", "_zeros")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._buckets: dict[int, int] = {}
        self._zeros = 0
        for value in values:
            self.add(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and (self._zeros, self._buckets) == (other._zeros, other._buckets)

    __hash__ = None  # type: ignore[assignment]

    @property
    def count(self) -> int:
        """Number of values."""
        return self._zeros + sum(self._buckets.values())

    def add(self, value: float) -> None:
        """Count one value."""
        if 0 < value < math.inf:
            key = math.ceil(math.log(value) * _PER_LOG)
            buckets = self._buckets
            if key in buckets:
                buckets[key] += 1
            else:
                buckets[key] = 1
                if len(buckets) > MAX_BUCKETS:
                    self._collapse()
        else:
            self._zeros += 1

    def merge(self, other: "Sketch") -> None:
        """Add all values of another sketch."""
        self._zeros += other._zeros  # noqa: SLF001
        for key, count in other._buckets.items():  # noqa: SLF001
            self._buckets[key] = self._buckets.get(key, 0) + count
        self._collapse()

    def quantile(self, fraction: float) -> float:
        """Value below which ``fraction`` of the values are, within 1 %; NaN for an empty sketch."""
        count = self.count
        if not count:
            return math.nan
        rank = fraction * (count - 1)
        seen = self._zeros
        if rank < seen:
            return 0.0
        key = 0
        for key in sorted(self._buckets):
            seen += self._buckets[key]
            if rank < seen:
                break
        return 2 * math.exp(key / _PER_LOG) / (_GAMMA + 1)

    @property
    def text(self) -> str:
        """Compact text for :meth:`parse`: the zeros, then for each bucket the step from the last and the count."""
        parts, last = [str(self._zeros)], 0
        for key in sorted(self._buckets):
            parts.append(f"{key - last}:{self._buckets[key]}")
            last = key
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The sketch with this :attr:`text`; raises ValueError for any other text."""
        sketch = cls()
        try:
            zeros, *pairs = text.split(" ")
            sketch._zeros, key = int(zeros), 0
            for pair in pairs:
                step, count = pair.split(":")
                key += int(step)
                sketch._buckets[key] = int(count)
        except ValueError:
            raise ValueError(f"{text[:60]!r} is not a sketch; give the text of one") from None
        return sketch

    def _collapse(self) -> None:
        excess = len(self._buckets) - MAX_BUCKETS
        if excess > 0:
            lowest = sorted(self._buckets)[: excess + 1]
            total = sum(self._buckets.pop(key) for key in lowest)
            self._buckets[lowest[-1]] = total
