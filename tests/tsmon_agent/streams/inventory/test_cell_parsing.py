"""Values of rows: what is accepted, and that what is written reads back."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon_agent.streams.inventory.cell_parsing import (
    format_seconds,
    parse_deployment_number,
    parse_flag,
    parse_interval_ns,
    parse_rate,
)

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("value", "interval_ns"),
    [
        ("", None),
        (None, None),
        ("1", SECOND),
        ("0.5", SECOND // 2),
        ("1e3", 1000 * SECOND),
        (60, 60 * SECOND),
        (0.1, SECOND // 10),
        ("30s", 30 * SECOND),
        ("10m", 600 * SECOND),
        ("7d", 604_800 * SECOND),
        ("0.000000001", 1),
    ],
)
def test_intervals(value: object, interval_ns: int | None) -> None:
    assert parse_interval_ns(value) == interval_ns


@pytest.mark.parametrize(
    "value",
    [
        *(
            "0",
            "-1",
            "nan",
            "inf",
            "1e400",
            "1e-10",
            "often",
            "10x",
            "-5m",
            "0m",
            "1_0",
            "1e30",
            "9" * 400,
            "forever",
        ),
        *(True, [1], math.nan, math.inf),
    ],
)
def test_invalid_intervals(value: Any) -> None:
    with pytest.raises(ValueError, match="give seconds above 0, or a text such as 30s"):
        parse_interval_ns(value)


@pytest.mark.parametrize(
    ("value", "rate"), [("", None), (None, None), ("1", 1.0), ("1e-3", 0.001), (2, 2.0), (0.5, 0.5)]
)
def test_rates(value: object, rate: float | None) -> None:
    assert parse_rate(value) == rate


@pytest.mark.parametrize(
    "value", ["0", "-1", "nan", "inf", "-inf", "often", "1_0", "1e-320", "1e10", 0, -1, math.nan, True, [], 10**400]
)
def test_invalid_rates(value: Any) -> None:
    with pytest.raises(ValueError, match="give a number of Hz between"):
        parse_rate(value)


def test_flags() -> None:
    assert [parse_flag(value) for value in ("true", "Yes", "1", "", True)] == [True] * 5
    assert [parse_flag(value) for value in ("FALSE", "no", "0", False)] == [False] * 4
    for value in ("perhaps", None, 1):
        with pytest.raises(ValueError, match="give true or false"):
            parse_flag(value)


def test_numbers() -> None:
    assert [parse_deployment_number(value) for value in ("0", "007", 12)] == [0, 7, 12]
    for value in ("", "-1", "1.0", 1.0, -1, "²", "9" * 10, 2**31, True, None):
        with pytest.raises(ValueError, match="give a whole number"):
            parse_deployment_number(value)


@given(st.integers(1, MAX_TIME_NS))
def test_an_interval_as_text_is_exact(interval_ns: int) -> None:
    assert parse_interval_ns(format_seconds(interval_ns)) == interval_ns


@given(st.floats(1e-9, 1e9))
def test_a_rate_as_text_is_exact(rate: float) -> None:
    assert parse_rate(repr(rate)) == rate
