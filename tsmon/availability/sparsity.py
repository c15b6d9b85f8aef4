"""The sparsity level of each group in a span."""

from collections.abc import Sequence
from itertools import pairwise
from operator import truediv
from typing import Final

from tsmon.availability.categories import Category
from tsmon.availability.deployments import Span
from tsmon.availability.groups import Groups
from tsmon.availability.rules import Rules

__all__ = ["compute_levels"]

# A look-up of a member in its class takes ten times as long.
_PRESENT: Final = Category.PRESENT
_EXACT: Final = 2**53
"""Integers up to this are exact as doubles; Python divides larger ones more exactly than other languages do."""

_LEVELS: Final = (Category.SPARSE_1, Category.SPARSE_2, Category.SPARSE_3)


def compute_levels(groups: Groups, span: Span, whole_ns: float | None, rules: Rules) -> Sequence[Category]:
    """Level of each group. A single point takes that of the group before, else of the one after, else Present."""
    counts = groups.counts
    if whole_ns is None or not counts:
        return [_PRESENT] * len(counts)
    separations = [count - 1 for count in counts]
    if 0 in separations:
        several = [index for index, number in enumerate(separations) if number]
        lengths = [groups.lengths[index] for index in several]
        levels = _levels(lengths, [separations[index] for index in several], span.floor_ns, whole_ns, rules)
        return _fill_forward(several, levels, len(counts))
    return _levels(groups.lengths, separations, span.floor_ns, whole_ns, rules)


def _levels(
    lengths: Sequence[float], separations: Sequence[float], floor_ns: float, whole_ns: float, rules: Rules
) -> list[Category]:
    """Levels of groups that each have several points."""
    if max(lengths, default=0) > _EXACT:
        lengths, separations = list(map(float, lengths)), list(map(float, separations))
    means = list(map(truediv, lengths, separations))
    present_to = rules.bounds[0] + rules.tolerance
    _, level_1_to, level_2_to = rules.bounds
    level_1, level_2, level_3 = _LEVELS
    greatest = max(means, default=0.0)
    # If the whole mean is 0, all points are in one instant, so every mean is 0 and nothing is divided by it.
    if greatest <= floor_ns or greatest / whole_ns <= present_to:
        return [_PRESENT] * len(means)
    return [
        _PRESENT
        if mean_ns <= floor_ns or (ratio := mean_ns / whole_ns) <= present_to
        else level_1
        if ratio <= level_1_to
        else level_2
        if ratio <= level_2_to
        else level_3
        for mean_ns in means
    ]


def _fill_forward(places: Sequence[int], levels: Sequence[Category], length: int) -> list[Category]:
    """Each level from its place to the next place; the first from the beginning."""
    if not levels:
        return [_PRESENT] * length
    edges = pairwise((0, *places[1:], length))
    return [level for level, (low, high) in zip(levels, edges, strict=True) for _ in range(low, high)]
