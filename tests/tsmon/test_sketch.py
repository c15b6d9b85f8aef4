"""Quantiles within one per cent."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.sketch import ACCURACY, MAX_BUCKETS, Sketch

values = st.lists(st.one_of(st.floats(1e-9, 1e6), st.just(0.0)), min_size=1, max_size=200)
fractions = st.floats(0, 1)


def exact(numbers: list[float], fraction: float) -> float:
    return sorted(numbers)[math.floor(fraction * (len(numbers) - 1))]


@given(values, fractions)
def test_quantiles_are_within_the_promised_error(numbers: list[float], fraction: float) -> None:
    found = Sketch(numbers).quantile(fraction)
    assert found == pytest.approx(exact(numbers, fraction), rel=ACCURACY * (1 + 1e-9))


@given(values, values)
def test_merging_is_the_sketch_of_all(some: list[float], others: list[float]) -> None:
    merged = Sketch(some)
    merged.merge(Sketch(others))
    assert merged == Sketch(some + others)
    assert merged.count == len(some) + len(others)


@given(values)
def test_text_there_and_back(numbers: list[float]) -> None:
    sketch = Sketch(numbers)
    assert Sketch.parse(sketch.text) == sketch


@pytest.mark.parametrize("text", ["", "x", "1 2", "1 2:x", "1:2:3"])
def test_what_is_no_sketch_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a sketch; give the text of one"):
        Sketch.parse(text)


def test_buckets_are_bounded_and_the_upper_quantiles_stay_right() -> None:
    draw = random.Random(1)
    numbers = [10 ** draw.uniform(-150, 150) for _ in range(20_000)]
    sketch = Sketch(numbers)
    assert len(sketch.text.split()) <= MAX_BUCKETS + 1
    assert sketch.count == 20_000
    assert sketch.quantile(0.99) == pytest.approx(exact(numbers, 0.99), rel=ACCURACY)


def test_nothing_has_no_quantile() -> None:
    assert math.isnan(Sketch().quantile(0.5))


@pytest.mark.parametrize("odd", [-1.0, math.nan, math.inf, -math.inf])
def test_what_is_no_duration_counts_as_zero(odd: float) -> None:
    assert Sketch([odd]) == Sketch([0.0])
