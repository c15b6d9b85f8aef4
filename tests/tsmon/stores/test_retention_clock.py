"""Retention moves no faster than time passes, whatever the system's clock does."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.stores.retention_clock import ClockReading, ClockState, advance, read_clocks
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS

T = 1_780_000_000 * SECOND_NS


class Clocks:
    """A system clock that anybody may set, and one that only time moves."""

    def __init__(self) -> None:
        self.state: ClockState | None = None
        self.real_ns = T
        self.ahead_ns = 0
        self.started_ns = T - DAY_NS
        self.boot = "first"

    def read(self) -> int:
        reading = ClockReading(self.real_ns + self.ahead_ns, self.real_ns - self.started_ns, self.boot)
        self.state = advance(self.state, reading, "store")
        return self.state.safe_ns

    def run(self, duration_ns: int) -> int:
        """Pass this time, with a reading every ten minutes; return the time that is believed at the end."""
        end_ns = self.real_ns + duration_ns
        while self.real_ns < end_ns:
            self.real_ns = min(self.real_ns + 10 * MINUTE_NS, end_ns)
            self.read()
        return self.read()

    def start_again(self, off_ns: int) -> None:
        self.real_ns += off_ns
        self.started_ns = self.real_ns
        self.boot += "+"


def test_the_time_is_that_of_the_system_while_both_clocks_agree(caplog: pytest.LogCaptureFixture) -> None:
    clocks = Clocks()
    assert clocks.read() == T
    assert clocks.run(40 * DAY_NS) == T + 40 * DAY_NS
    assert caplog.messages == []


def test_a_jump_of_seconds_changes_nothing_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clocks = Clocks()
    clocks.read()
    clocks.ahead_ns = 400 * DAY_NS
    assert clocks.run(5 * SECOND_NS) == T + 5 * SECOND_NS
    assert clocks.run(5 * SECOND_NS) == T + 10 * SECOND_NS
    clocks.ahead_ns = 0
    assert clocks.run(HOUR_NS) == T + HOUR_NS + 10 * SECOND_NS
    first, second = caplog.messages
    assert first == (
        "store: the clock is at 2027-07-02 20:26:45 UTC, 400 days, 0:00:00 ahead of the time that has passed; what "
        "expires by that waits until it has lasted for a day, or `tsmon-agent confirm-clock` confirms it"
    )
    assert second == "store: the clock agrees again with the time that has passed"


def test_a_new_time_that_lasts_is_believed_after_a_day() -> None:
    clocks = Clocks()
    clocks.read()
    clocks.ahead_ns = 30 * DAY_NS
    assert clocks.run(DAY_NS - HOUR_NS) == T + DAY_NS - HOUR_NS
    assert clocks.run(2 * HOUR_NS) == T + 31 * DAY_NS + HOUR_NS


def test_a_day_counts_from_the_last_jump() -> None:
    clocks = Clocks()
    clocks.read()
    for days in (30, 20, 40):
        clocks.ahead_ns = days * DAY_NS
        clocks.run(DAY_NS - HOUR_NS)
    assert clocks.read() == T + 3 * (DAY_NS - HOUR_NS)


def test_the_time_for_which_the_machine_was_off_counts_after_a_day_of_running() -> None:
    clocks = Clocks()
    clocks.read()
    clocks.start_again(10 * DAY_NS)
    assert clocks.read() == T
    assert clocks.run(8 * HOUR_NS) == T + 8 * HOUR_NS
    clocks.start_again(MINUTE_NS)
    clocks.run(8 * HOUR_NS)
    clocks.start_again(0)
    assert clocks.run(9 * HOUR_NS) == T + 10 * DAY_NS + 25 * HOUR_NS + MINUTE_NS


def test_a_clock_that_is_behind_removes_less_and_its_return_is_no_jump() -> None:
    clocks = Clocks()
    clocks.read()
    clocks.ahead_ns = -T
    assert clocks.run(HOUR_NS) == HOUR_NS
    clocks.ahead_ns = 0
    assert clocks.run(HOUR_NS) == T + 2 * HOUR_NS


def test_a_wrong_time_that_was_believed_is_given_up_when_the_right_one_lasts() -> None:
    clocks = Clocks()
    clocks.read()
    clocks.ahead_ns = 400 * DAY_NS
    clocks.run(2 * DAY_NS)
    clocks.ahead_ns = 0
    assert clocks.run(2 * DAY_NS) == T + 4 * DAY_NS
    clocks.ahead_ns = 100 * DAY_NS
    assert clocks.run(HOUR_NS) == T + 4 * DAY_NS + HOUR_NS


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, DAY_NS, -DAY_NS, 400 * DAY_NS, -(2**60)]),
            st.integers(1, 6 * HOUR_NS),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_short_of_a_day_it_is_never_ahead_of_the_time_that_has_passed(jumps: list[tuple[int, int, bool]]) -> None:
    """Each new time is held for less than a day; what is off counts as no time at all."""
    clocks = Clocks()
    clocks.read()
    for ahead_ns, duration_ns, restart in jumps:
        clocks.ahead_ns = ahead_ns
        if restart:
            clocks.start_again(MINUTE_NS)
        assert clocks.run(min(duration_ns, 90 * MINUTE_NS)) <= clocks.real_ns + 12 * MINUTE_NS


def test_the_machines_own_clocks_agree() -> None:
    state = advance(None, read_clocks(), "store")
    after = advance(state, read_clocks(), "store")
    assert (after.deviates_ns, after.boot) == (0, state.boot)
    assert after.safe_ns == after.wall_ns >= state.wall_ns
