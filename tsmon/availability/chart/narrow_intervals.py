"""Intervals that are too narrow to be seen: neighbours are drawn as one, which shows the worst of them."""

from collections.abc import Iterable, Iterator
from typing import Final

from tsmon.availability.categories import Category
from tsmon.availability.interval import Interval

__all__ = ["NARROWEST", "group_narrow", "worst_category"]

NARROWEST: Final = 0.1
"""Width in percent of a row below which a piece is invisible: about a pixel."""

_WORST: Final = {
    category: rank
    for rank, category in enumerate(
        (
            Category.NOT_EXPECTED,
            Category.PRESENT,
            Category.SPARSE_1,
            Category.SPARSE_2,
            Category.SPARSE_3,
            Category.MISSING,
        )
    )
}


def worst_category(*categories: Category) -> Category:
    """The category that matters most: a gap before sparse data, sparse data before present ones."""
    return max(categories, key=_WORST.__getitem__)


def group_narrow(intervals: Iterable[Interval], least_ns: float) -> Iterator[list[Interval]]:
    """Group the intervals: each wide one alone, narrow neighbours together until they are wide enough."""
    waiting: list[Interval] = []
    for one in intervals:
        if one.end_ns - one.start_ns >= least_ns:
            if waiting:
                yield waiting
                waiting = []
            yield [one]
            continue
        waiting.append(one)
        if one.end_ns - waiting[0].start_ns >= least_ns:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
