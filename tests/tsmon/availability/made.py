"""Random streams, deployments and rules, for hypothesis."""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from tsmon.availability import BINS, EXACT, Deployment, Rules
from tsmon.stores import Bin

__all__ = ["BEGINNING", "END", "bins", "deployments", "nows", "points", "rules"]

BEGINNING: Final = -30
END: Final = 150
"""Times lie between these, so that every one of them can be looked at."""

nows = st.integers(-10, 130)


@st.composite
def deployments(draw: st.DrawFn) -> list[Deployment]:
    """Up to four, overlapping or not, some empty, some open, some with an end in the future."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(st.integers(-20, 120))
        length = draw(st.none() | st.integers(0, 140))
        found.append(Deployment(number, start, None if length is None else start + length))
    return draw(st.permutations(found))


@st.composite
def points(draw: st.DrawFn) -> list[int]:
    """Runs of evenly spaced points and lone ones, in order; some times are there twice."""
    found: list[int] = []
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(BEGINNING, END - 1))
        step = draw(st.integers(0, 9))
        found += [start + step * i for i in range(draw(st.integers(1, 12)))]
    return sorted(p for p in found if p < END)


def rules(base: Rules) -> st.SearchStrategy[Rules]:
    """Rules of a preset with other numbers."""
    return st.builds(
        Rules,
        gaps=st.just(base.gaps),
        gap_fraction=st.sampled_from([0.001, 0.03, 0.1, 0.25, 1.0]),
        period_ns=st.none() | st.integers(1, 8),
        bin_width_ns=st.sampled_from([1, 7, 24, 60, 1000]),
        sparse_floor=st.sampled_from([0.0, 0.02, 0.05]),
        tolerance=st.sampled_from([0.0, 0.01, 0.3]),
    )


@st.composite
def bins(draw: st.DrawFn, edges: Sequence[int] = ()) -> list[Bin]:
    """Bins as given, of any width, none across one of ``edges``."""
    times = draw(st.lists(st.integers(BEGINNING, END - 1), max_size=24).map(sorted))
    found = []
    for first, last in zip(times[::2], times[1::2], strict=False):
        if not any(first < edge <= last for edge in edges):
            found.append(Bin(first, first, last, draw(st.integers(1 if first == last else 2, 9))))
    return found


EXACTLY = rules(EXACT)
TO_THE_LETTER = rules(BINS)
