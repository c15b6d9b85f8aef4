"""Times in addresses, tables and commands."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.availability import format_time, parse_time
from tsmon.errors import AvailabilityError
from tsmon.line_protocol.times import MAX_TIME_NS, to_time_ns

NOON_NS = to_time_ns(datetime(2024, 5, 1, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:30:00Z",
        "2024-05-01T12:30z",
        "2024-05-01 12:30:00",
        " 2024-05-01 12:30 ",
        "2024-05-01T14:30:00+02:00",
        "2024-05-01T07:00:00-0530",
        "2024-05-01T12:30:00.000000000Z",
        "1714566600",
        "1714566600.0",
    ],
)
def test_one_time_may_be_written_in_several_ways(text: str) -> None:
    assert parse_time(text) == NOON_NS


def test_a_day_is_its_beginning_in_utc() -> None:
    assert parse_time("2024-05-01") == NOON_NS - (12 * 3600 + 1800) * 10**9


@pytest.mark.parametrize("text", ["2024-05-01T12:30:00.123456789Z", "1714566600.123456789"])
def test_every_nanosecond_is_kept(text: str) -> None:
    assert parse_time(text) == NOON_NS + 123_456_789


def test_times_before_1970_are_times_too() -> None:
    assert parse_time("-0.5") == -500_000_000
    assert parse_time("1969-12-31T23:59:59.5Z") == -500_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-05",
        "2024-13-01",
        "2024-02-30",
        "2024-05-01T25:00",
        "01/05/2024",
        "nan",
        "1e9",
        "\uff11\uff17",
        "\u0662024-05-01",
    ],
)
def test_what_is_no_time_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(AvailabilityError, match="is not a time; write 2024-05-01T12:30:00Z"):
        parse_time(text)


@pytest.mark.parametrize("text", ["1500-01-01", "2300-01-01", "99999999999", "-99999999999.5"])
def test_what_nanoseconds_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(AvailabilityError, match="outside of the years 1677 to 2262"):
        parse_time(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(AvailabilityError) as refused:
        parse_time("x" * 10_000)
    assert len(str(refused.value)) < 200


@given(st.integers(-MAX_TIME_NS, MAX_TIME_NS))
def test_what_is_written_is_read_back_to_the_second(time_ns: int) -> None:
    whole_ns = time_ns // 10**9 * 10**9
    if whole_ns >= -MAX_TIME_NS:
        assert parse_time(format_time(time_ns)) == whole_ns


@given(st.integers(-MAX_TIME_NS, MAX_TIME_NS))
def test_seconds_are_read_exactly(time_ns: int) -> None:
    sign, rest = ("-", -time_ns) if time_ns < 0 else ("", time_ns)
    assert parse_time(f"{sign}{rest // 10**9}.{rest % 10**9:09d}") == time_ns


@given(
    st.integers(-8_000_000_000, 8_000_000_000),
    st.integers(0, 999_999),
    st.integers(-14 * 60, 14 * 60),
)
def test_python_s_own_form_is_read(seconds: int, microseconds: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    aware = datetime(1970, 1, 1, tzinfo=UTC).astimezone(zone) + timedelta(
        seconds=seconds, microseconds=microseconds
    )
    assert parse_time(aware.isoformat()) == to_time_ns(aware)


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(AvailabilityError):
        assert abs(parse_time(text)) <= MAX_TIME_NS
