import numpy
from hypothesis import given
from hypothesis import strategies as st

from tests.tsmon.availability import made
from tsmon.availability import EXACT, Deployment, Rules, bin_times, compute_spans
from tsmon.availability.deployments import BEGINNING_NS, END_NS
from tsmon.stores import Bin


def test_windows_are_aligned_to_the_epoch_and_cut_at_the_edges_of_a_deployment() -> None:
    found = compute_spans([Deployment(1, 5, 25)], Rules(gap_fraction=0.5, bin_width_ns=10), now_ns=100)
    assert [span.every_ns for span in found] == [10, 10, 10]
    assert bin_times([-1, 0, 4, 5, 9, 10, 19, 20, 24, 25], found) == [
        Bin(-10, -1, -1, 1),
        Bin(0, 0, 4, 2),
        Bin(0, 5, 9, 2),
        Bin(10, 10, 19, 2),
        Bin(20, 20, 24, 2),
        Bin(20, 25, 25, 1),
    ]


@given(made.points(), made.deployments(), made.rules(EXACT), made.nows)
def test_numpy_bins_alike(points: list[int], deployments: list[Deployment], rules: Rules, now: int) -> None:
    found = compute_spans(deployments, rules, now_ns=now)
    assert bin_times(numpy.array(points, dtype="int64"), found) == bin_times(points, found)


@given(st.lists(st.integers(BEGINNING_NS, END_NS - 1), max_size=20).map(sorted), st.integers(1, END_NS))
def test_any_time_can_be_binned(points: list[int], width: int) -> None:
    found = compute_spans([], Rules(bin_width_ns=width), now_ns=0)
    bins = bin_times(points, found)
    assert bin_times(numpy.array(points, dtype="int64"), found) == bins
    assert sum(one.count for one in bins) == len(points)
    assert {one.start_ns for one in bins} == {point // width * width for point in points}
