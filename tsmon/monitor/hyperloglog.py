"""HyperLogLog: counting distinct values in bounded memory.

Source: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
algorithm" (AofA 2007), with its linear counting for small numbers and, as Heule, Nunkesser and Hall (EDBT 2013)
propose, 64-bit hashes.
"""

import math
from typing import Final

__all__ = ["HyperLogLog"]

_ALPHA: Final = 0.7213
_MASK: Final = (1 << 64) - 1


class HyperLogLog:
    """Estimates the number of distinct values added, within about 1.04 / √(2**precision): 1.6 % at precision 12.

    It takes 2**precision bytes, regardless of the number of values.
    """

    __slots__ = ("_precision", "_registers")

    def __init__(self, precision: int = 12) -> None:
        self._precision = precision
        self._registers = bytearray(1 << precision)

    def add(self, value: str) -> None:
        """Add ``value``; adding it again changes nothing."""
        # All 64 bits of Python's hash of a string (SipHash) are as good as random.
        digest = hash(value) & _MASK
        index = digest & ((1 << self._precision) - 1)
        rank = 65 - self._precision - (digest >> self._precision).bit_length()
        if rank > self._registers[index]:
            self._registers[index] = rank

    @property
    def estimate(self) -> float:
        """The number of distinct values."""
        size = len(self._registers)
        raw = _ALPHA / (1 + 1.079 / size) * size * size / sum(map(_POWERS.__getitem__, self._registers))
        empty = self._registers.count(0)
        if raw <= 2.5 * size and empty:
            return size * math.log(size / empty)
        return raw


_POWERS: Final = [2.0**-rank for rank in range(66)]
