"""The rules once more, written down plainly: every nanosecond of a short time is asked for its category.

Nothing is shared with the library but the vocabulary of the arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby

from tsmon.availability import Category, Deployment, Rules
from tsmon.stores import Bin

__all__ = ["Row", "of_bins", "of_points"]

Row = tuple[int, int, Category]
"""Start, end and category."""

Points = Sequence[int]
Governing = Mapping[int, Deployment | None]


def of_points(
    points: Points, deployments: Sequence[Deployment], rules: Rules, now: int, start: int, end: int
) -> list[Row]:
    """Gaps between points, all of which lie between start and end."""
    governing = {t: governor(t, deployments, now) for t in range(start, end)}
    bins = [one for data in stretches(points, governing) for one in bins_of(data, governing, rules, now)]
    whole = mean(bins)

    def category(t: int) -> Category:
        deployment = governing[t]
        if deployment is None:
            return Category.NOT_EXPECTED
        first, stop = span(t, governing)
        data = [p for p in points if first <= p < stop]
        if not data:
            return Category.MISSING
        before = [p for p in data if p <= t]
        after = [p for p in data if p > t]
        hole = (after[0] if after else stop) - (before[-1] if before else first)
        if hole > limit(deployment, rules, now, typical(data, first, stop, rules)):
            return Category.MISSING
        bins = bins_of(data, governing, rules, now)
        [number] = [i for i, one in enumerate(bins) if (before[-1] if before else after[0]) in one]
        return level(number, bins, whole, duration(deployment, now), rules)

    return rows(category, start, end)


def of_bins(
    bins: Sequence[Bin], deployments: Sequence[Deployment], rules: Rules, now: int, start: int, end: int
) -> list[Row]:
    """Gaps between bins, of which none crosses the edge of a deployment."""
    governing = {t: governor(t, deployments, now) for t in range(start, end)}
    held = [[one.first_ns, *[one.last_ns] * (one.count - 1)] for one in bins]
    whole = mean(held)

    def category(t: int) -> Category:
        deployment = governing[t]
        if deployment is None:
            return Category.NOT_EXPECTED
        first, stop = span(t, governing)
        data = [one for one in held if first <= one[0] < stop]
        if not data:
            return Category.MISSING
        before = [one for one in data if one[0] <= t]
        after = [one for one in data if one[0] > t]
        known = before[-1][-1] if before else first
        hole = (after[0][0] if after else stop) - known
        if known <= t and hole > limit(deployment, rules, now):
            return Category.MISSING
        return level(max(len(before) - 1, 0), data, whole, duration(deployment, now), rules)

    return rows(category, start, end)


def governor(t: int, deployments: Sequence[Deployment], now: int) -> Deployment | None:
    running = [one for one in deployments if one.start_ns <= t < now and (one.end_ns is None or t < one.end_ns)]
    return max(running, key=lambda one: (one.start_ns, one.number)) if running else None


def span(t: int, governing: Governing) -> tuple[int, int]:
    """The stretch around ``t`` in which the same deployment governs."""
    first = stop = t
    while first - 1 in governing and governing[first - 1] is governing[t]:
        first -= 1
    while stop in governing and governing[stop] is governing[t]:
        stop += 1
    return first, stop


def stretches(points: Points, governing: Governing) -> list[list[int]]:
    return [list(data) for _, data in groupby(points, key=lambda p: span(p, governing))]


def duration(deployment: Deployment, now: int) -> int:
    return (now if deployment.end_ns is None else deployment.end_ns) - deployment.start_ns


def limit(deployment: Deployment, rules: Rules, now: int, separation: Fraction = Fraction(0)) -> Fraction:
    of_duration = Fraction(str(rules.gap_fraction)) * duration(deployment, now)
    period = Fraction(rules.period_ns) if rules.period_ns else separation
    return max(of_duration, 2 * period if rules.gaps == "points" else Fraction(0))


def typical(data: Points, first: int, stop: int, rules: Rules) -> Fraction:
    """Typical separation of the points of one span from ``first`` to ``stop``; 0 if there is none."""
    width = rules.bin_width_ns
    windows = [list(held) for _, held in groupby(data, key=lambda p: p // width)]
    whole = [one for one in windows if first <= one[0] // width * width and (one[0] // width + 1) * width <= stop]
    within = sum(len(one) - 1 for one in whole)
    if len(data) < 2:
        return Fraction(0)
    if within < Fraction(len(data) - 1, 10):
        return Fraction(data[-1] - data[0], len(data) - 1)
    return Fraction(sum(one[-1] - one[0] for one in whole), within)


def bins_of(data: Points, governing: Governing, rules: Rules, now: int) -> list[list[int]]:
    """Bins of the points of one span."""
    found: list[list[int]] = []
    for p in data:
        deployment = governing[p]
        separation = typical(data, *span(p, governing), rules)
        gap = bool(found and deployment) and p - found[-1][-1] > limit(deployment, rules, now, separation)  # type: ignore[arg-type]
        if found and not gap and found[-1][-1] // rules.bin_width_ns == p // rules.bin_width_ns:
            found[-1].append(p)
        else:
            found.append([p])
    return found


def mean(bins: Sequence[Points]) -> float:
    separations = sum(len(one) - 1 for one in bins)
    return sum(one[-1] - one[0] for one in bins) / separations if separations else 0.0


def level(number: int, bins: Sequence[Points], whole: float, duration: int, rules: Rules) -> Category:
    """Level of a bin, or of the one whose level it takes."""
    several = [i for i, one in enumerate(bins) if len(one) > 1]
    if not several:
        return Category.PRESENT
    separation = mean([bins[max((i for i in several if i <= number), default=several[0])]])
    if separation == 0 or separation <= Fraction(str(rules.sparse_floor)) * duration:
        return Category.PRESENT
    tolerated = (rules.bounds[0] + rules.tolerance, rules.bounds[1], rules.bounds[2])
    exceeded = sum(separation / whole > bound for bound in tolerated)
    return (Category.PRESENT, Category.SPARSE_1, Category.SPARSE_2, Category.SPARSE_3)[exceeded]


def rows(category: Callable[[int], Category], start: int, end: int) -> list[Row]:
    found = []
    for kind, times in groupby(range(start, end), key=category):
        instants = list(times)
        found.append((instants[0], instants[-1] + 1, kind))
    return found
