"""How sparse each group of a span is."""

from collections.abc import Iterator, Sequence
from typing import Final

from tsmon.availability.categories import Category
from tsmon.availability.deployments import Span
from tsmon.availability.groups import Group
from tsmon.availability.rules import Rules

__all__ = ["levels_of"]

# Looking a member up in its class takes ten times as long.
_PRESENT: Final = Category.PRESENT
_LEVELS: Final = (Category.SPARSE_1, Category.SPARSE_2, Category.SPARSE_3)


def levels_of(groups: Sequence[Group], span: Span, whole_ns: float | None, rules: Rules) -> Iterator[Category]:
    """Level of each group; one of a single point has the level of the one before, else after, else Present."""
    floor_ns = span.floor_ns
    present_to = rules.bounds[0] + rules.tolerance
    _, level_1_to, level_2_to = rules.bounds
    level_1, level_2, level_3 = _LEVELS
    level: Category | None = None
    waiting = 0
    for _, _, count, length in groups:
        if count > 1:
            mean_ns = float(length) / float(count - 1)
            # Of points in one instant the mean is 0, so that no whole of mean 0 is divided by.
            if mean_ns <= floor_ns or whole_ns is None or (ratio := mean_ns / whole_ns) <= present_to:
                level = _PRESENT
            elif ratio <= level_1_to:
                level = level_1
            elif ratio <= level_2_to:
                level = level_2
            else:
                level = level_3
            while waiting:
                waiting -= 1
                yield level
        elif level is None:
            waiting += 1
            continue
        yield level
    while waiting:
        waiting -= 1
        yield _PRESENT
