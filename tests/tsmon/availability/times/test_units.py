"""Numbers in a wrong unit are refused, and taken in the unit that is named."""

from array import array
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import AvailabilityError
from tsmon.availability import EXACT, Category, Deployment, compute_availability
from tsmon.availability.time_arrays import normalize_times
from tsmon.line_protocol.times import MAX_TIME_NS

S = 1_000_000_000
T = 1_700_000_000
UNITS = {"s": S, "ms": S // 1000, "us": 1000, "ns": 1, "min": 60 * S, "h": 3600 * S, "D": 86_400 * S}
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
FLOATS = [
    list,
    lambda times: [numpy.float64(time) for time in times],
    lambda times: array("d", times),
    numpy.array,
    pandas.Series,
    pandas.Index,
    lambda times: pandas.array(times, dtype="Float64"),
    polars.Series,
    pyarrow.array,
    numpy.ma.masked_array,
]
INTEGERS = [*FLOATS[:1], *FLOATS[3:6], *FLOATS[7:], lambda times: pandas.array(times, dtype="Int64")]


@pytest.mark.parametrize("hold", INTEGERS)
@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_integers_that_are_not_nanoseconds_are_refused_with_the_likely_unit(hold: Any, unit: str) -> None:
    times = [(T + 360 * n) * S // UNITS[unit] for n in range(3)]
    with pytest.raises(AvailabilityError) as refused:
        compute_availability(hold(times))
    assert str(refused.value) == (
        f"times[0]: {times[0]} in nanoseconds is before 1990; it looks like {NAMES[unit]}: "
        f"name its unit, such as unit='{unit}'"
    )
    assert list(normalize_times(hold(times), unit)) == [(T + 360 * n) * S for n in range(3)]
    assert list(normalize_times(hold(times), NAMES[unit])) == [(T + 360 * n) * S for n in range(3)]


@pytest.mark.parametrize("hold", FLOATS)
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_floats_that_are_not_seconds_are_refused_with_the_likely_unit(hold: Any, unit: str) -> None:
    times = [float(T * S // UNITS[unit])]
    with pytest.raises(
        AvailabilityError, match=rf"^times\[0\]: .* in seconds is after 2100; it looks like {NAMES[unit]}: "
    ):
        compute_availability(hold(times))
    assert list(normalize_times(hold(times), unit)) == [T * S]


@pytest.mark.parametrize("hold", FLOATS)
@pytest.mark.parametrize("value", [10.3, -9999.0, 473_385_600.0, 45_000.5])
def test_values_are_not_taken_for_times(hold: Any, value: float) -> None:
    """A temperature, a filling, 1985 in seconds, a day of Excel's: the place is named, and nothing is guessed."""
    with pytest.raises(AvailabilityError) as refused:
        compute_availability(hold([float(T), value]))
    assert str(refused.value) == (
        f"times[1]: {value} in seconds is before 1990; if it is a time, name its unit, such as unit='s'"
    )


@pytest.mark.parametrize(
    ("number", "accepted"),
    [
        (631_152_000 * S, True),
        (631_152_000 * S - 1, False),
        (4_102_444_800 * S, True),
        (4_133_980_800 * S - 1, True),
        (4_133_980_800 * S, False),
        (0, False),
        (-1, False),
        (10**400, False),
        (631_152_000.0, True),
        (631_151_999.5, False),
        (Decimal(T), True),
        (Decimal("1e999999"), False),
        (Fraction(T * 3 + 1, 3), True),
        (Fraction(10**400, 3), False),
        (numpy.int64(T), False),
    ],
)
def test_numbers_are_times_of_1990_to_2100(number: Any, accepted: bool) -> None:
    for times in ([number], [number, None], numpy.array([number], dtype=object)):
        if accepted:
            assert len(normalize_times(times)) == 1
        else:
            with pytest.raises(AvailabilityError, match=r"^times\[0\]: .* is (before 1990|after 2100); "):
                normalize_times(times)


@pytest.mark.parametrize("unit", ["x", "", "M", "Y", 1, b"s", ["s"]])
def test_an_unknown_unit_is_refused_with_the_known_ones(unit: Any) -> None:
    for use in (lambda: compute_availability([T], unit=unit), lambda: Deployment.between(1, T, unit=unit)):
        with pytest.raises(AvailabilityError) as refused:
            use()
        assert str(refused.value) == (
            f"there is no unit {unit!r}; there are 's', 'ms', 'us', 'ns', 'min', 'h', 'D'"
        )


@given(st.lists(st.integers(-MAX_TIME_NS, MAX_TIME_NS), max_size=8), st.sampled_from(sorted(UNITS)))
def test_integers_in_a_named_unit_are_exact_from_1677_to_2262(times: list[int], unit: str) -> None:
    numbers = [time // UNITS[unit] for time in times if abs(time // UNITS[unit] * UNITS[unit]) <= MAX_TIME_NS]
    expected = sorted({number * UNITS[unit] for number in numbers})
    for held in (
        numbers,
        numpy.array(numbers, dtype="int64"),
        [*numbers, None],
        polars.Series(numbers, dtype=polars.Int64),
    ):
        assert list(normalize_times(held, unit)) == expected
    if numbers:
        beyond = [*numbers, MAX_TIME_NS // UNITS[unit] + 1]
        for held in (beyond, numpy.array(beyond, dtype="int64")):
            with pytest.raises(
                AvailabilityError, match=rf"^times\[{len(numbers)}\]: .* outside of the years 1677 to"
            ):
                normalize_times(held, unit)


@given(st.lists(st.floats(-9e9, 9e9), max_size=8), st.sampled_from(["s", "ms", "us"]))
def test_floats_in_a_named_unit_are_exact_to_the_nanosecond(times: list[float], unit: str) -> None:
    found = normalize_times(times, unit)
    assert list(normalize_times(numpy.array(times), unit)) == list(found)
    assert list(normalize_times([*times, None], unit)) == list(found)
    for number, time_ns in (
        zip(sorted(set(times)), sorted(found), strict=False) if len(found) == len(set(times)) else ()
    ):
        assert abs(Fraction(number) * UNITS[unit] - time_ns) <= Fraction(1, 2) + Fraction(1, 1000)


NARROW = [
    lambda times: numpy.array(times, dtype="float32"),
    lambda times: list(numpy.array(times, dtype="float32")),
    lambda times: array("f", times),
    lambda times: pandas.Series(times, dtype="float32"),
    lambda times: pandas.array(times, dtype="Float32"),
    lambda times: polars.Series(times, dtype=polars.Float32),
    lambda times: pyarrow.array(times, type=pyarrow.float32()),
    lambda times: memoryview(array("f", times)),
]


@pytest.mark.parametrize("hold", NARROW)
@pytest.mark.parametrize("unit", [None, "s"])
def test_floats_of_32_bits_are_refused_because_they_are_minutes_off(hold: Any, unit: str | None) -> None:
    with pytest.raises(
        AvailabilityError, match="holds times of today only to a minute or two; read them as float64"
    ):
        compute_availability(hold([float(T), T + 360.0]), unit=unit)


@pytest.mark.parametrize("times", [[T, T + 360], numpy.array([T, T + 360])])
def test_deployments_between_numbers_need_their_unit(times: Any) -> None:
    with pytest.raises(AvailabilityError) as refused:
        Deployment.between(7, times[0], times[1])
    assert str(refused.value) == (
        f"deployment 7: start: {T} in nanoseconds is before 1990; it looks like seconds: "
        "name its unit, such as unit='s'"
    )
    with pytest.raises(
        AvailabilityError, match=r"^deployment 7: end: .* it looks like milliseconds: name its unit"
    ):
        Deployment.between(7, float(T), int(times[1]) * 1000)
    assert Deployment.between(7, times[0], times[1], unit="s") == Deployment(7, T * S, (T + 360) * S)
    assert Deployment.between(7, T, unit="s") == Deployment(7, T * S)


@pytest.mark.parametrize("hold", [list, numpy.array])
@pytest.mark.parametrize(("period", "unit"), [(360, "seconds"), (300, "seconds"), (360_000, "milliseconds")])
def test_a_period_in_a_wrong_unit_is_refused(hold: Any, period: int, unit: str) -> None:
    """It would make all of the data Missing."""
    times = hold([(T + 360 * n) * S for n in range(100)])
    with pytest.raises(AvailabilityError) as refused:
        compute_availability(times, rules=replace(EXACT, period_ns=period))
    assert str(refused.value) == (
        f"the period is {period} ns, but the times are 0:06:00 apart; "
        f'it looks like {unit}: give it with its unit, such as period_ns="6min"'
    )
    [present] = compute_availability(times, rules=replace(EXACT, period_ns="6min")).intervals
    assert str(present).endswith("Present (100 points)")


@pytest.mark.parametrize("period", ["1s", "1ms", "10us", "1day"])
def test_data_that_are_far_too_slow_are_missing_and_no_mistake(period: str) -> None:
    times = [(T + 360 * n) * S for n in range(100)]
    found = compute_availability(times, rules=EXACT.with_period(period))
    assert found.intervals[0].category is (Category.PRESENT if period == "1day" else Category.MISSING)
