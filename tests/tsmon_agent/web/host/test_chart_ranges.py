import pytest

from tsmon.time_units import SECOND_NS
from tsmon_agent.web.host.chart_ranges import RANGES


@pytest.mark.parametrize("name", RANGES)
def test_a_range_that_holds_many_rounds_is_drawn_with_some_hundred_values(name: str) -> None:
    chosen = RANGES[name]
    resolution = chosen.resolution(1.0)
    assert 200 <= chosen.length_ns / resolution.step_ns <= 400


@pytest.mark.parametrize("interval_s", [0.1, 1.0, 7.0, 10.0, 60.0, 600.0])
@pytest.mark.parametrize("name", RANGES)
def test_a_window_holds_either_two_rounds_or_at_most_one(name: str, interval_s: float) -> None:
    """Else punctual rounds would now and then leave a window empty."""
    resolution = RANGES[name].resolution(interval_s)
    if resolution.windowed:
        assert resolution.every_ns >= 2 * interval_s * SECOND_NS
    else:
        assert resolution.every_ns * 4 <= interval_s * SECOND_NS
        assert resolution.step_ns == interval_s * SECOND_NS


def test_a_missing_round_is_a_gap_and_a_late_one_is_none() -> None:
    resolution = RANGES["15m"].resolution(10.0)
    late_ns = 10 * SECOND_NS + resolution.every_ns
    missing_ns = 20 * SECOND_NS - resolution.every_ns
    assert late_ns <= resolution.gap_ns < missing_ns
