"""Bins of thousands of windows, stored as columns."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, Self, overload

from tsmon.stores.query_types import Bin

__all__ = ["BinColumns", "columns_of"]

_ATTRIBUTES: Final = tuple(map(attrgetter, ("first_ns", "last_ns", "count")))


class BinColumns(Sequence[Bin]):
    """Bins of windows of one width, in order, as columns; a bin is created when it is accessed."""

    __slots__ = ("counts", "every_ns", "firsts", "lasts")

    def __init__(self, every_ns: int, firsts: list[int], lasts: list[int], counts: list[int]) -> None:
        self.every_ns = every_ns
        self.firsts = firsts
        self.lasts = lasts
        self.counts = counts

    @classmethod
    def from_bins(cls, every_ns: int, bins: Sequence[Bin]) -> Self:
        """Columns of these bins, which are in order."""
        return cls(every_ns, *columns_of(bins))

    def __add__(self, other: "BinColumns") -> "BinColumns":
        """These bins followed by the other ones."""
        return BinColumns(
            self.every_ns, self.firsts + other.firsts, self.lasts + other.lasts, self.counts + other.counts
        )

    def __len__(self) -> int:
        return len(self.firsts)

    @overload
    def __getitem__(self, index: int) -> Bin: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bin]: ...
    def __getitem__(self, index: int | slice) -> Bin | list[Bin]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        first_ns = self.firsts[index]
        return Bin(first_ns // self.every_ns * self.every_ns, first_ns, self.lasts[index], self.counts[index])

    def __iter__(self) -> Iterator[Bin]:
        every_ns = self.every_ns
        for first_ns, last_ns, count in zip(self.firsts, self.lasts, self.counts, strict=True):
            yield Bin(first_ns // every_ns * every_ns, first_ns, last_ns, count)


def columns_of(bins: Sequence[Bin]) -> tuple[list[int], list[int], list[int]]:
    """Times of the first points, times of the last ones, and numbers of points; without a copy if possible."""
    if isinstance(bins, BinColumns):
        return bins.firsts, bins.lasts, bins.counts
    firsts, lasts, counts = (list(map(attribute, bins)) for attribute in _ATTRIBUTES)
    return firsts, lasts, counts
