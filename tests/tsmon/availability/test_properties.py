"""What holds for all streams, deployments and rules."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.tsmon.availability import made, reference_model
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
    compute_timeline,
)
from tsmon.stores import Bin

PRESETS = st.sampled_from([EXACT, BINS]).flatmap(made.rules)
WINDOW = {"start_ns": made.BEGINNING, "end_ns": made.END}


def rows(found: list[Interval]) -> list[reference_model.Row]:
    return [(one.start_ns, one.end_ns, one.category) for one in found]


def answer(points: list[int], deployments: list[Deployment], rules: Rules, now: int) -> list[Interval]:
    bins = bin_times(points, compute_spans(deployments, rules, now_ns=now))
    return compute_intervals(bins, deployments, rules, now_ns=now, **WINDOW)


@given(made.points(), made.deployments(), made.rules(EXACT), made.nows)
def test_gaps_between_points_are_as_plainly_told(
    points: list[int], deployments: list[Deployment], rules: Rules, now: int
) -> None:
    expected = reference_model.of_points(points, deployments, rules, now, made.BEGINNING, made.END)
    assert rows(answer(points, deployments, rules, now)) == expected


@given(st.data(), made.deployments(), made.rules(BINS), made.nows)
def test_gaps_between_bins_are_as_plainly_told(
    data: st.DataObject, deployments: list[Deployment], rules: Rules, now: int
) -> None:
    edges = [
        edge for span in compute_spans(deployments, rules, now_ns=now) for edge in (span.start_ns, span.end_ns)
    ]
    bins = data.draw(made.bins(edges))
    expected = reference_model.of_bins(bins, deployments, rules, now, made.BEGINNING, made.END)
    assert rows(compute_intervals(bins, deployments, rules, now_ns=now, **WINDOW)) == expected


@given(made.bins(), made.deployments(), PRESETS, made.nows)
def test_intervals_cover_the_time_and_neighbours_differ(
    bins: list[Bin], deployments: list[Deployment], rules: Rules, now: int
) -> None:
    """Even for bins that no store would answer."""
    found = compute_intervals(bins, deployments, rules, now_ns=now, **WINDOW)
    assert found[0].start_ns == made.BEGINNING
    assert found[-1].end_ns == made.END
    assert all(one.start_ns < one.end_ns for one in found)
    for before, after in pairwise(found):
        assert before.end_ns == after.start_ns
        assert before.category != after.category


@given(made.points(), made.deployments(), PRESETS, made.nows)
def test_every_point_counts_once(points: list[int], deployments: list[Deployment], rules: Rules, now: int) -> None:
    found = answer(points, deployments, rules, now)
    assert sum(one.count + one.isolated for one in found) == len(points)
    assert all(one.separation_ns is None for one in found if one.category in {0, 5})
    assert all(one.count == 0 for one in found if one.category is Category.MISSING)
    assert all(one.isolated == 0 for one in found if one.category is not Category.MISSING)


@given(made.points(), made.deployments(), PRESETS, made.nows, st.integers(-50, 50))
def test_shifting_time_by_bins_shifts_the_answer(
    points: list[int], deployments: list[Deployment], rules: Rules, now: int, number: int
) -> None:
    by = number * rules.bin_width_ns
    moved = [
        Deployment(one.number, one.start_ns + by, None if one.end_ns is None else one.end_ns + by)
        for one in deployments
    ]
    found = compute_timeline(
        bin_times([p + by for p in points], after := compute_spans(moved, rules, now_ns=now + by)), after, rules
    ).intervals_between(made.BEGINNING + by, made.END + by)
    expected = answer(points, deployments, rules, now)
    assert found == [replace(one, start_ns=one.start_ns + by, end_ns=one.end_ns + by) for one in expected]


@given(made.points(), made.deployments(), PRESETS, made.nows, st.sampled_from([2, 4, 1024, 2**40, 3, 1000, 86_400]))
def test_scaling_time_scales_the_answer(
    points: list[int], deployments: list[Deployment], rules: Rules, now: int, by: int
) -> None:
    rules = replace(rules, bounds=(1.0001, 1.5001, 2.0001))  # no ratio lies just at one of them
    larger = replace(
        rules,
        bin_width_ns=rules.bin_width_ns * by,
        period_ns=None if rules.period_ns is None else rules.period_ns * by,
    )
    scaled = [
        Deployment(one.number, one.start_ns * by, None if one.end_ns is None else one.end_ns * by)
        for one in deployments
    ]
    found = compute_timeline(
        bin_times([p * by for p in points], after := compute_spans(scaled, larger, now_ns=now * by)), after, larger
    ).intervals_between(made.BEGINNING * by, made.END * by)
    expected = answer(points, deployments, rules, now)
    assert rows(found) == [(one.start_ns * by, one.end_ns * by, one.category) for one in expected]


@given(made.points(), made.deployments(), PRESETS, made.nows, st.data())
def test_a_part_of_the_time_has_that_part_of_the_answer(
    points: list[int], deployments: list[Deployment], rules: Rules, now: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(made.BEGINNING, made.END))
    end = data.draw(st.integers(start, made.END))
    bins = bin_times(points, compute_spans(deployments, rules, now_ns=now))
    part = compute_intervals(bins, deployments, rules, now_ns=now, start_ns=start, end_ns=end)
    of_whole = {
        t: one.category for one in answer(points, deployments, rules, now) for t in range(one.start_ns, one.end_ns)
    }
    assert {t: one.category for one in part for t in range(one.start_ns, one.end_ns)} == {
        t: of_whole[t] for t in range(start, end)
    }


@given(st.permutations(range(6)))
def test_the_order_of_bins_does_not_matter(order: list[int]) -> None:
    bins = [Bin(10 * i, 10 * i, 10 * i + 5, 1 + i) for i in range(6)]
    deployments = [Deployment(1, 0, 70)]
    expected = compute_intervals(bins, deployments, BINS, now_ns=100)
    assert compute_intervals([bins[i] for i in order], deployments, BINS, now_ns=100) == expected


@given(made.points(), made.deployments(), made.nows, made.rules(EXACT), st.integers(1, 20))
def test_the_width_of_windows_does_not_matter_as_long_as_it_is_within_the_limit(
    points: list[int], deployments: list[Deployment], now: int, rules: Rules, parts: int
) -> None:
    found = compute_spans(deployments, rules, now_ns=now)
    assume(all(span.every_ns % parts == 0 for span in found))
    narrower = [replace(span, every_ns=span.every_ns // parts) for span in found]
    assert (
        compute_timeline(bin_times(points, narrower), found, rules).intervals
        == compute_timeline(bin_times(points, found), found, rules).intervals
    )
    assert {one.category for one in compute_timeline(bin_times(points, found), found, rules).intervals} <= set(
        Category
    )
