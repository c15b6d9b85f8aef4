"""Times of points: what is accepted, and numbers in a wrong unit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import InvalidPointError, Point
from tsmon.line_protocol import encode
from tsmon.line_protocol.times import MIN_PLAIN_TIME_NS, to_point_time_ns

NOW_S = 1_700_000_000


class Lamp(Point, measurement="lamps"):
    lit: bool


class Note(Point, measurement="notes"):
    text: str | None = None


@pytest.mark.parametrize("as_integer", [int, numpy.int64], ids=["int", "numpy"])
@pytest.mark.parametrize("extra", [None, {"more": 1}], ids=["fast", "checked"])
@pytest.mark.parametrize(
    ("factor", "unit"), [(1, "seconds"), (10**3, "milliseconds"), (10**6, "microseconds")], ids=str
)
@pytest.mark.parametrize("seconds", [NOW_S, 100_000_000, 500_000_000, 4_102_444_800, -NOW_S])
def test_an_integer_in_another_unit_is_refused(
    seconds: int, factor: int, unit: str, extra: Any, as_integer: Any
) -> None:
    time = as_integer(seconds * factor)
    with pytest.raises(InvalidPointError) as caught:
        encode(Lamp(lit=True, time=time, fields=extra))
    assert str(caught.value) == (
        f"time {seconds * factor} looks like {unit}, but an integer is taken as nanoseconds; "
        "give integer nanoseconds, float seconds or an aware datetime"
    )


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        (NOW_S * 1e3, "milliseconds"),
        (NOW_S * 1e6, "microseconds"),
        (NOW_S * 1e9, "nanoseconds"),
        (numpy.float64(NOW_S * 1e3), "milliseconds"),
        (Decimal(NOW_S * 1000), "milliseconds"),
    ],
)
def test_a_float_in_another_unit_is_refused(time: Any, unit: str) -> None:
    with pytest.raises(InvalidPointError, match=rf" looks like {unit}, but a \w+ is taken as seconds; give "):
        encode(Lamp(lit=True, time=time))


@given(st.datetimes(min_value=datetime(1678, 1, 1), max_value=datetime(2262, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_datetime_gives_any_time_even_of_1970(time: datetime) -> None:
    delta = time - datetime(1970, 1, 1, tzinfo=UTC)
    time_ns = ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000
    assert encode(Lamp(lit=True, time=time)) == f"lamps lit=true {time_ns}".encode()


def test_times_of_1970_that_integers_cannot_give() -> None:
    for time in (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 20, tzinfo=UTC)):
        assert encode(Lamp(lit=True, time=time)).endswith(b" %d" % round(time.timestamp() * 1e9))
    assert to_point_time_ns(1.5) == 1_500_000_000


@given(st.integers(min_value=MIN_PLAIN_TIME_NS, max_value=2**63 - 2))
def test_integers_that_are_plainly_nanoseconds_are_kept(time: int) -> None:
    assert encode(Lamp(lit=True, time=time)) == b"lamps lit=true %d" % time


@pytest.mark.parametrize(
    "time_ns", [0, 1, -1, -315_619_200_000_000_000, 410_227_200_000_000_000, 86_400 * 10**9, MIN_PLAIN_TIME_NS]
)
def test_old_times_may_be_integers(time_ns: int) -> None:
    assert encode(Lamp(lit=True, time=time_ns)) == f"lamps lit=true {time_ns}".encode()


@pytest.mark.parametrize(
    ("time", "time_ns"),
    [
        (numpy.datetime64("2023-11-14T22:13:20.123456789"), 1_700_000_000_123_456_789),
        (numpy.datetime64("2023-11-14T22:13:20.123456"), 1_700_000_000_123_456_000),
        (numpy.datetime64("2023-11-14T22:13:20"), 1_700_000_000_000_000_000),
        (numpy.datetime64("2023-11-14"), 1_699_920_000_000_000_000),
        (numpy.datetime64("2023-11"), 1_698_796_800_000_000_000),
        (numpy.datetime64("1969"), -31_536_000_000_000_000),
        (numpy.datetime64(2, "25s"), 50_000_000_000),
        (numpy.datetime64(5 * 10**12 + 999, "ps"), 5_000_000_000),
        (numpy.datetime64(5 * 10**12 + 999, "25ps"), 125_000_000_024),
        (numpy.datetime64("1678"), -9_214_560_000_000_000_000),
        (numpy.datetime64("2262-04"), 9_222_422_400_000_000_000),
        (numpy.datetime64(-9_223_372_036_854_775, "us"), -9_223_372_036_854_775_000),
        (numpy.datetime64(-106_751, "D"), -9_223_286_400_000_000_000),
        (numpy.datetime64(-(2**63) + 1, "as"), -9_223_372_037),
        (numpy.datetime64(2**63 - 1, "ps"), 9_223_372_036_854_775),
        (numpy.array("2023-11-14T22:13:20", dtype="datetime64[s]"), 1_700_000_000_000_000_000),
        (numpy.int64(NOW_S * 10**9), 1_700_000_000_000_000_000),
        (numpy.float64(NOW_S + 0.5), 1_700_000_000_500_000_000),
        (pandas.Timestamp("2023-11-14T22:13:20.123456789Z"), 1_700_000_000_123_456_789),
        (Decimal("1700000000.123456789"), 1_700_000_000_123_456_789),
    ],
    ids=str,
)
def test_times_of_other_libraries(time: Any, time_ns: int) -> None:
    assert encode(Lamp(lit=True, time=time)) == f"lamps lit=true {time_ns}".encode()


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (pandas.NaT, "time is missing (NaT or NA); give a time, or None for the time of emitting"),
        (pandas.NA, "time is missing (NaT or NA); give a time, or None for the time of emitting"),
        (
            numpy.datetime64("NaT", "ns"),
            "time is missing (NaT or NA); give a time, or None for the time of emitting",
        ),
        (numpy.bool_(True), "time is True; give integer nanoseconds, float seconds or a datetime"),
        (numpy.timedelta64(1, "s"), "time is of type timedelta; give integer nanoseconds, float seconds or a"),
        (numpy.datetime64(2**63 - 1 - 1970, "Y"), "time 1000000000000000000000000000000 ns is outside of"),
        (numpy.datetime64(-(2**63) + 1, "M"), "time -1000000000000000000000000000000 ns is outside of"),
        (numpy.datetime64("1677-09"), "time -9225100800000000000 ns is outside of"),
        (numpy.datetime64(-(2**63) + 1, "D"), "time -796899343984252629724800000000000 ns is outside of"),
        (numpy.datetime64(2**63 - 1, "us"), "time 9223372036854775807000 ns is outside of"),
        (numpy.datetime64("9999-01-01"), "time 253370764800000000000 ns is outside of"),
        (pandas.Timestamp("2023-11-14"), "time 2023-11-14T00:00:00 has no time zone; give one"),
        (Decimal("1e999999"), "time 1000000000000000000000000000000 ns is outside of"),
        (date(2023, 11, 14), "time is of type date; give integer nanoseconds, float seconds or a datetime"),
    ],
    ids=str,
)
def test_times_that_mean_nothing_are_refused(time: Any, reason: str) -> None:
    for point in (Lamp(lit=True, time=time), Note(text="a", time=time)):
        with pytest.raises(InvalidPointError) as caught:
            encode(point)
        assert str(caught.value).startswith(reason)
