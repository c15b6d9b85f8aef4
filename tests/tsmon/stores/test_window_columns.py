"""Bins in columns are a sequence of bins."""

from hypothesis import given
from hypothesis import strategies as st

from tsmon.availability import EXACT, Deployment, compute_intervals
from tsmon.stores import Bin, BinColumns

EVERY = 10
DATA = st.dictionaries(
    st.integers(-50, 50), st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 99)), max_size=30
)


def bins_of(data: dict[int, tuple[int, int, int]]) -> list[Bin]:
    return [
        Bin(number * EVERY, number * EVERY + min(edges), number * EVERY + max(edges), count)
        for number, (*edges, count) in sorted(data.items())
    ]


@given(DATA)
def test_they_are_the_bins_that_they_were_made_of(data: dict[int, tuple[int, int, int]]) -> None:
    bins = bins_of(data)
    windows = BinColumns.from_bins(EVERY, bins)
    assert len(windows) == len(bins)
    assert list(windows) == bins
    assert [windows[index] for index in range(-len(bins), len(bins))] == bins + bins
    assert windows[1:-1] == bins[1:-1]
    assert windows[::-2] == bins[::-2]


@given(DATA, st.integers(0, 30))
def test_parts_follow_each_other(data: dict[int, tuple[int, int, int]], at: int) -> None:
    bins = bins_of(data)
    assert list(BinColumns.from_bins(EVERY, bins[:at]) + BinColumns.from_bins(EVERY, bins[at:])) == bins


@given(DATA)
def test_they_are_judged_as_bins_are(data: dict[int, tuple[int, int, int]]) -> None:
    bins = bins_of(data)
    deployments = [Deployment(1, -300, 100), Deployment(2, 250, 480)]
    found = [
        compute_intervals(one, deployments, EXACT, now_ns=1000) for one in (bins, BinColumns.from_bins(EVERY, bins))
    ]
    assert found[0] == found[1]
