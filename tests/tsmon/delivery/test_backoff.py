from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.delivery.backoff import Backoff


def highest(_: float, high: float) -> float:
    return high


def lowest(low: float, _: float) -> float:
    return low


def test_the_ceiling_doubles_up_to_the_longest_delay() -> None:
    backoff = Backoff(0.5, 30.0, draw=highest)
    assert [backoff.next_delay_s() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_the_lowest_draw_still_leaves_a_pause() -> None:
    backoff = Backoff(0.5, 30.0, draw=lowest)
    assert backoff.next_delay_s() == pytest.approx(0.1)


def test_delays_are_drawn_from_the_whole_range() -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return (low + high) / 2

    backoff = Backoff(1.0, 4.0, draw=draw)
    assert [backoff.next_delay_s() for _ in range(4)] == [0.5, 1.0, 2.0, 2.0]
    assert drawn == [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 4.0)]


@pytest.mark.parametrize(("draw", "delay_s"), [(lowest, 7.0), (highest, 30.0)])
def test_it_is_never_shorter_than_the_store_asked_for(
    draw: Callable[[float, float], float], delay_s: float
) -> None:
    backoff = Backoff(30.0, 30.0, draw=draw)
    assert backoff.next_delay_s(7.0) == delay_s
    assert backoff.next_delay_s(100.0) == 100.0


def test_a_success_begins_anew() -> None:
    backoff = Backoff(0.5, draw=highest)
    for _ in range(5):
        backoff.next_delay_s()
    assert backoff.failures == 5
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next_delay_s() == 0.5


@given(st.integers(0, 5_000))
def test_any_number_of_failures_gives_a_delay(failures: int) -> None:
    backoff = Backoff()
    backoff.failures = failures
    assert 0.1 <= backoff.next_delay_s() <= 30.0
