from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import AvailabilityError
from tsmon.availability import APPEARANCES, BINS, EXACT, Category, Deployment, Rules, recolor_appearances
from tsmon.time_units import DAY_NS

S = 1_000_000_000


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"gaps": "windows"}, 'choose "points" or "bins"'),
        ({"gap_fraction": 0}, "more than 0 and at most 1"),
        ({"gap_fraction": 1.1}, "more than 0 and at most 1"),
        ({"gap_fraction": float("nan")}, "more than 0 and at most 1"),
        ({"period_ns": 0}, "None if unknown"),
        ({"period_ns": timedelta(-1)}, "the period is -86400000000000 ns; give more than 0"),
        ({"period_ns": 360.0}, '^period_ns: 360.0 is not a duration; write one such as "6min" or "1h"$'),
        ({"period_ns": "often"}, "^period_ns: 'often' is not a duration; write"),
        ({"bin_width_ns": None}, "^bin_width_ns: None is not a duration"),
        ({"gap_fraction": "0.1"}, "^gap_fraction is '0.1'; give a number$"),
        ({"tolerance": True}, "^tolerance is True; give a number$"),
        ({"bounds": (1.0, None, 2.0)}, "^bounds is None; give a number$"),
        ({"bounds": (1.0, 2.0)}, "^there are 2 bounds; give three$"),
        ({"bounds": 1.0}, "^bounds is 1.0; give several values$"),
        ({"bin_width_ns": 0}, "give more than 0"),
        ({"bin_width_ns": 2**63}, "give more than 0"),
        ({"sparse_floor": -0.1}, "0 to 1"),
        ({"tolerance": -0.1}, "0 or more"),
        ({"tolerance": float("inf")}, "0 or more"),
        ({"bounds": (1.0, 1.5, 1.4)}, "let them increase"),
        ({"bounds": (1.0, 1.5, 2.0), "tolerance": 0.6}, "let them increase"),
        ({"bounds": (1.0, 1.5, float("nan"))}, "let them increase"),
        ({"appearances": APPEARANCES[:5]}, "one for each of 6"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(AvailabilityError, match=reason):
        replace(EXACT, **values)


def test_a_colour_is_red_green_and_blue() -> None:
    with pytest.raises(AvailabilityError, match="colour of Missing is 'red'; give it as #rrggbb"):
        recolor_appearances({Category.MISSING: "red"})
    assert recolor_appearances({Category.MISSING: "#FF0000"})[Category.MISSING].color == "#FF0000"
    assert recolor_appearances({}) == APPEARANCES


@given(st.integers(0, 10**19), st.sampled_from([1, 7, 1000, S, 3600 * S, DAY_NS, 7 * DAY_NS, 1_000_003]))
def test_windows_are_parts_of_bins_and_no_wider_than_the_limit(duration: int, width: int) -> None:
    rules = replace(EXACT, bin_width_ns=width)
    every = rules.every_ns(duration)
    assert width % every == 0
    assert every <= max(1, rules.limit_ns(duration))


@given(st.integers(1, 3000), st.integers(0, DAY_NS - 1))
def test_a_deployment_has_few_windows(days: int, more: int) -> None:
    """One or two thousand, or as many as days where those are narrower than the limit."""
    duration = days * DAY_NS + more
    assert duration / EXACT.every_ns(duration) < max(2000, days + 1)


@pytest.mark.parametrize(
    "period", ["6min", timedelta(minutes=6), pandas.Timedelta("6min"), pandas.offsets.Minute(6)]
)
def test_durations_of_rules_are_given_with_their_unit(period: Any) -> None:
    expected = replace(EXACT, period_ns=360 * S)
    assert EXACT.with_period(period) == replace(EXACT, period_ns=period) == expected
    assert replace(EXACT, bin_width_ns=period).bin_width_ns == 360 * S
    assert expected.with_period(None) == EXACT
    assert {replace(EXACT, bounds=[1.0, 1.5, 2.0], appearances=list(APPEARANCES)): 1}[EXACT] == 1
    with pytest.raises(
        AvailabilityError, match=r'^period: 360 is not a duration; write one such as "6min" or "1h"$'
    ):
        EXACT.with_period(360)


def test_to_the_letter_bins_are_the_windows() -> None:
    assert BINS.every_ns(10 * DAY_NS) == DAY_NS


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(5, 4, "deployment 3 ends 1 ns before it starts"), (2**63, None, "outside of ±"), (0, 2**63, "outside of ±")],
)
def test_deployments_that_cannot_be_are_refused(start: int, end: int | None, reason: str) -> None:
    with pytest.raises(AvailabilityError, match=reason):
        Deployment(3, start, end)


def test_deployments_take_times_as_points_do() -> None:
    assert Deployment.between(1, 0.5, 2, unit="s") == Deployment(1, 500_000_000, 2_000_000_000)
    assert Deployment.between(1, 0, unit="ns") == Deployment(1, 0, None)
    assert Rules() == EXACT
