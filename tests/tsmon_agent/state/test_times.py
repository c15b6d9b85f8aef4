"""Times: what is accepted, and that what is written reads back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon_agent.state.times import format_exact_time, parse_time_ns

SECOND = 1_000_000_000


def test_times() -> None:
    assert parse_time_ns("2024-05-01T12:30:00Z") == 1_714_566_600 * SECOND
    assert parse_time_ns("2024-05-01 14:30:00+02:00") == 1_714_566_600 * SECOND
    assert parse_time_ns(1_714_566_600.5) == 1_714_566_600_500_000_000
    for value in ("soon", "", None, True, math.nan, 1e300):
        with pytest.raises(ValueError, match=r"is wrong|give a time such as"):
            parse_time_ns(value)


@given(st.integers(-MAX_TIME_NS, MAX_TIME_NS))
def test_a_time_as_text_is_exact(time_ns: int) -> None:
    assert parse_time_ns(format_exact_time(time_ns)) == time_ns
