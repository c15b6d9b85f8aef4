"""The rules, edge by edge, in small numbers: a deployment of 1000 ns with a limit of 100 ns."""

from dataclasses import replace

import pytest

from tsmon import AvailabilityError
from tsmon.availability import (
    BINS,
    EXACT,
    Category,
    Deployment,
    Interval,
    Rules,
    bin_times,
    compute_intervals,
    compute_spans,
)
from tsmon.stores import Bin

OUTSIDE, PRESENT, SPARSE_1, SPARSE_2, SPARSE_3, MISSING = Category

BETWEEN_BINS = replace(BINS, gap_fraction=0.1, sparse_floor=0.0)
POINTS = replace(EXACT, gap_fraction=0.1, bin_width_ns=100)
ONE = [Deployment(1, 0, 1000)]
LATER = 5000

Row = tuple[int, int, Category]


def rows(found: list[Interval]) -> list[Row]:
    return [(one.start_ns, one.end_ns, one.category) for one in found]


def of_bins(
    *bins: tuple[int, int, int],
    deployments: list[Deployment] = ONE,
    rules: Rules = BETWEEN_BINS,
    now: int = LATER,
    **window: int,
) -> list[Row]:
    given = [Bin(first, first, last, count) for first, last, count in bins]
    return rows(compute_intervals(given, deployments, rules, now_ns=now, **window))


def of_points(
    *points: int, deployments: list[Deployment] = ONE, rules: Rules = POINTS, now: int = LATER, **window: int
) -> list[Row]:
    given = bin_times(sorted(points), compute_spans(deployments, rules, now_ns=now))
    return rows(compute_intervals(given, deployments, rules, now_ns=now, **window))


def test_a_gap_is_missing_from_the_last_time_before_to_the_first_after() -> None:
    found = of_bins((0, 400, 41), (600, 1000, 41))
    assert found == [(0, 400, PRESENT), (400, 600, MISSING), (600, 1000, PRESENT)]


@pytest.mark.parametrize(("first", "gap"), [(500, False), (501, True)])
def test_what_is_exactly_the_limit_is_no_gap(first: int, gap: bool) -> None:
    missing = [(0, 400, PRESENT), (400, first, MISSING), (first, 1000, PRESENT)]
    whole = [(0, 1000, PRESENT)]
    assert of_bins((0, 400, 401), (first, 1000, 1001 - first)) == (missing if gap else whole)


@pytest.mark.parametrize(("duration", "limit"), [(1000, 1), (1999, 1), (2000, 2), (10**18 + 999, 10**15), (999, 0)])
def test_the_limit_is_exact(duration: int, limit: int) -> None:
    assert EXACT.limit_ns(duration) == limit


def test_the_limit_of_a_long_deployment_is_not_rounded_as_floats_are() -> None:
    assert EXACT.limit_ns(9_007_199_254_740_993_000) == 9_007_199_254_740_993


@pytest.mark.parametrize(("rules", "limit"), [(EXACT, 14), (BINS, 1)])
def test_with_gaps_between_points_the_limit_is_at_least_twice_the_period(rules: Rules, limit: int) -> None:
    assert replace(rules, period_ns=7).limit_ns(1000) == limit


def test_start_and_end_are_waited_for_too() -> None:
    assert of_bins((100, 900, 81)) == [(0, 1000, PRESENT)]
    assert of_bins((101, 899, 81)) == [(0, 101, MISSING), (101, 899, PRESENT), (899, 1000, MISSING)]


def test_a_deployment_without_data_is_missing_whole() -> None:
    assert of_bins() == [(0, 1000, MISSING)]
    assert of_bins((2000, 3000, 5)) == [(0, 1000, MISSING)]
    assert of_points(rules=replace(POINTS, period_ns=10_000)) == [(0, 1000, MISSING)]


def test_a_smaller_hole_belongs_to_the_category_before_it_and_at_the_start_to_the_one_after() -> None:
    found = of_bins((50, 400, 36), (450, 950, 2), (990, 990, 1))
    assert found == [(0, 450, PRESENT), (450, 1000, SPARSE_3)]


def test_outside_of_deployments_nothing_is_expected() -> None:
    deployments = [Deployment(1, 0, 100), Deployment(2, 200, 300)]
    found = of_bins((0, 100, 11), (200, 300, 11), deployments=deployments, start_ns=-50, end_ns=400)
    assert found == [
        (-50, 0, OUTSIDE),
        (0, 100, PRESENT),
        (100, 200, OUTSIDE),
        (200, 300, PRESENT),
        (300, 400, OUTSIDE),
    ]


def test_touching_deployments_of_one_category_are_one_interval() -> None:
    assert of_bins((0, 490, 50), (500, 990, 50), deployments=[Deployment(1, 0, 500), Deployment(2, 500, 1000)]) == [
        (0, 1000, PRESENT)
    ]


def test_a_point_at_the_end_lies_outside_and_one_at_the_start_inside() -> None:
    rules = replace(POINTS, period_ns=1000)
    assert of_points(1000, rules=rules) == [(0, 1000, MISSING)]
    assert of_points(0, rules=rules) == [(0, 1000, PRESENT)]
    both = [Deployment(1, 0, 1000), Deployment(2, 1000, 2000)]
    assert of_points(1000, deployments=both, rules=rules) == [(0, 1000, MISSING), (1000, 2000, PRESENT)]


def test_where_deployments_overlap_the_latest_start_governs() -> None:
    """The limit of the first is 100 ns, that of the second 20 ns."""
    deployments = [Deployment(1, 0, 1000), Deployment(2, 400, 600)]
    rules = replace(POINTS, period_ns=1)
    points = (*range(0, 400, 50), *range(400, 600, 50), *range(650, 1000, 50))
    found = of_points(*points, deployments=deployments, rules=rules)
    assert found == [(0, 400, PRESENT), (400, 600, MISSING), (600, 1000, PRESENT)]


def test_of_equal_starts_the_higher_number_governs() -> None:
    deployments = [Deployment(2, 0, 200), Deployment(1, 0, 1000)]
    assert [
        (one.end_ns, one.deployment.number)
        for one in compute_spans(deployments, BETWEEN_BINS, now_ns=LATER)
        if one.deployment
    ] == [
        (200, 2),
        (1000, 1),
    ]


def test_an_open_deployment_ends_now_and_its_limit_grows() -> None:
    still_running = [Deployment(1, 0)]
    assert of_bins((0, 900, 91), deployments=still_running, now=1000) == [(0, 1000, PRESENT)]
    assert of_bins((0, 900, 91), deployments=still_running, now=1100) == [(0, 900, PRESENT), (900, 1100, MISSING)]
    assert of_bins((0, 900, 91), deployments=still_running, now=0, end_ns=10, start_ns=0) == [(0, 10, OUTSIDE)]


def test_an_end_in_the_future_is_not_missed_yet_but_the_limit_is_that_of_the_whole() -> None:
    planned = [Deployment(1, 0, 10_000)]
    assert of_bins((0, 200, 21), (1200, 1300, 11), deployments=planned, now=2000) == [(0, 2000, PRESENT)]
    assert of_bins((0, 200, 21), deployments=planned, now=1201, end_ns=1300) == [
        (0, 200, PRESENT),
        (200, 1201, MISSING),
        (1201, 1300, OUTSIDE),
    ]


@pytest.mark.parametrize(
    "deployment", [Deployment(1, 500, 500), Deployment(1, LATER + 1, LATER + 2), Deployment(1, LATER)]
)
def test_a_deployment_of_no_time_expects_nothing(deployment: Deployment) -> None:
    assert of_bins((500, 500, 1), deployments=[deployment]) == []
    assert of_bins((500, 500, 1), deployments=[deployment], start_ns=0, end_ns=1000) == [(0, 1000, OUTSIDE)]


def test_a_bin_across_the_edge_of_a_deployment_counts_on_both_sides() -> None:
    deployments = [Deployment(1, 0, 500), Deployment(2, 500, 1000)]
    assert of_bins((0, 1000, 101), deployments=deployments) == [(0, 1000, PRESENT)]
    assert of_bins((-100, 100, 21), deployments=[Deployment(1, 0, 1000)]) == [
        (0, 100, PRESENT),
        (100, 1000, MISSING),
    ]
    assert of_bins((-100, 0, 11), (100, 990, 90)) == [(0, 1000, PRESENT)]
    assert of_bins((-100, -1, 10), (101, 990, 90)) == [(0, 101, MISSING), (101, 1000, PRESENT)]


def test_a_point_with_gaps_on_both_sides_takes_no_time_but_is_counted() -> None:
    given = bin_times([500], compute_spans(ONE, POINTS, now_ns=LATER))
    [missing] = compute_intervals(given, ONE, POINTS, now_ns=LATER)
    assert missing == Interval(0, 1000, MISSING, 0, None, isolated=1)
    assert str(missing).endswith("Missing (0 points, 1 isolated)")


@pytest.mark.parametrize(
    ("separation", "level"),
    [
        (1.0, PRESENT),
        (1.01, PRESENT),
        (1.02, SPARSE_1),
        (1.5, SPARSE_1),
        (1.51, SPARSE_2),
        (2.0, SPARSE_2),
        (2.01, SPARSE_3),
    ],
)
def test_levels_come_from_the_ratio_to_the_mean_of_the_whole(separation: float, level: Category) -> None:
    """The first bin is so long that the mean of the whole is that of it and of the one looked at."""
    looked_at, steps = int(separation * 1000), 10
    # Both means are chosen so that the whole's is 1000 ns: what the looked-at bin has too much the first lacks.
    filler = 1000 * 1000 - (looked_at - 1000) * steps
    rules = replace(BINS, gap_fraction=1.0, sparse_floor=0.0, tolerance=0.01)
    found = of_bins(
        (0, filler, 1001),
        (filler + 1, filler + 1 + looked_at * steps, steps + 1),
        deployments=[Deployment(1, 0, 2_000_000)],
        rules=rules,
        now=2_000_000,
    )
    assert found[-1][2] == level


def test_to_the_letter_nothing_is_tolerated() -> None:
    bins = (0, 100_000, 101), (100_001, 101_002, 2)
    deployments = [Deployment(1, 0, 102_000)]
    without_floor = replace(BINS, gap_fraction=1.0, sparse_floor=0.0)
    assert of_bins(*bins, deployments=deployments, rules=without_floor, now=10**6)[-1][2] == SPARSE_1
    assert of_bins(*bins, deployments=deployments, rules=replace(without_floor, tolerance=0.01), now=10**6) == [
        (0, 102_000, PRESENT)
    ]


@pytest.mark.parametrize(("last", "level"), [(920, PRESENT), (921, SPARSE_3)])
def test_up_to_the_floor_nothing_is_sparse(last: int, level: Category) -> None:
    rules = replace(BETWEEN_BINS, sparse_floor=0.02)
    assert of_bins((0, 890, 891), (900, last, 2), rules=rules)[-1] == (
        (0, 1000, PRESENT) if level is PRESENT else (900, 1000, level)
    )


def test_divisions_are_those_of_doubles_also_of_times_longer_than_a_double_is_exact() -> None:
    """Of these numbers Python's own division is more exact, and beyond the bound."""
    length, points = 26_857_126_793_046_921, 31
    deployments = [Deployment(1, 0, 2 * length)]
    mean = float(length) / float(points - 1)
    ratio = mean / (float(length + 1) / float(points - 1 + 2))
    assert length / (points - 1) > mean
    rules = replace(BETWEEN_BINS, bounds=(ratio, 1.5, 2.0), gap_fraction=1.0)
    bins = (0, length, points), (length + 1, length + 2, 3)
    found = of_bins(*bins, deployments=deployments, rules=rules, now=2 * length)
    assert found == [(0, 2 * length, PRESENT)]


def test_a_bin_of_one_point_has_the_level_of_the_one_before_else_after_else_present() -> None:
    before = of_bins((0, 400, 401), (410, 460, 2), (500, 500, 1), (590, 990, 401))
    assert before == [(0, 410, PRESENT), (410, 590, SPARSE_3), (590, 1000, PRESENT)]
    after = of_bins((0, 0, 1), (50, 50, 1), (90, 140, 2), (150, 990, 841))
    assert after == [(0, 150, SPARSE_3), (150, 1000, PRESENT)]
    assert of_bins((50, 50, 1), (150, 150, 1)) == [(0, 150, PRESENT), (150, 1000, MISSING)]


def test_the_bin_before_may_be_behind_a_gap_but_not_in_another_deployment() -> None:
    sparse, lone, dense = (0, 50, 2), (200, 200, 1), (300, 990, 691)
    assert of_bins(sparse, lone, dense) == [
        (0, 50, SPARSE_3),
        (50, 200, MISSING),
        (200, 300, SPARSE_3),
        (300, 1000, PRESENT),
    ]
    two = [Deployment(1, 0, 100), Deployment(2, 100, 1100)]
    assert of_bins(sparse, (150, 150, 1), (200, 1090, 891), deployments=two)[-1] == (100, 1100, PRESENT)


def test_a_sparse_bin_after_a_gap_stays_sparse() -> None:
    found = of_bins((0, 400, 401), (600, 660, 2), (670, 990, 321))
    assert found == [(0, 400, PRESENT), (400, 600, MISSING), (600, 670, SPARSE_3), (670, 1000, PRESENT)]


def test_where_all_points_lie_in_one_instant_all_is_present() -> None:
    assert of_bins((0, 0, 5), (100, 100, 7), (150, 150, 1)) == [(0, 150, PRESENT), (150, 1000, MISSING)]


def test_the_whole_data_set_counts_also_where_nothing_is_expected() -> None:
    inside = (0, 500, 51), (510, 990, 33)
    assert of_bins(*inside) == [(0, 510, PRESENT), (510, 1000, SPARSE_1)]
    assert of_bins(*inside, (2000, 3000, 11)) == [(0, 1000, PRESENT)]
    evenly = [*range(0, 500, 10), *range(500, 1000, 16)]
    assert of_points(*evenly) == [(0, 500, PRESENT), (500, 1000, SPARSE_1)]
    assert of_points(*evenly, *range(2000, 3000, 100), *range(2090, 3000, 100)) == [(0, 1000, PRESENT)]


def test_bins_of_points_end_at_gaps_and_hold_smaller_holes() -> None:
    rules = replace(POINTS, bin_width_ns=1000)
    assert of_points(*range(0, 500, 10), *range(600, 1000, 10), rules=rules) == [
        (0, 490, PRESENT),
        (490, 600, MISSING),
        (600, 1000, PRESENT),
    ]
    [whole] = compute_intervals(
        bin_times([0, 10, 20, 120, 130], compute_spans(ONE, rules, now_ns=LATER)),
        ONE,
        rules,
        now_ns=LATER,
        end_ns=130,
    )
    assert (whole.category, whole.count, whole.separation_ns) == (PRESENT, 5, 32.5)


def test_the_mean_separation_of_an_interval_is_that_of_its_bins() -> None:
    given = [Bin(0, 0, 100, 11), Bin(110, 110, 210, 6)]
    rules = replace(BETWEEN_BINS, bounds=(2.0, 2.0, 2.0))
    [present, missing] = compute_intervals(given, ONE, rules, now_ns=LATER)
    assert present == Interval(0, 210, PRESENT, 17, 200 / 15)
    assert missing == Interval(210, 1000, MISSING, 0, None)


def test_without_deployments_there_is_nothing_to_tell() -> None:
    assert of_bins((0, 100, 5), deployments=[]) == []
    assert of_bins((0, 100, 5), deployments=[], start_ns=0, end_ns=10) == [(0, 10, OUTSIDE)]


def test_empty_bins_are_left_out() -> None:
    assert of_bins((0, 400, 41), (450, 460, 0), (600, 1000, 41)) == of_bins((0, 400, 41), (600, 1000, 41))


@pytest.mark.parametrize("bins", [[(5, 4, 2)], [(0, 5, -1)], [(0, 10, 5), (9, 20, 5)], [(-(2**63), 5, 2)]])
def test_bins_that_cannot_be_are_refused(bins: list[tuple[int, int, int]]) -> None:
    with pytest.raises(AvailabilityError, match=r"Bin\(.*; give"):
        of_bins(*bins)
