from datetime import timedelta
from typing import Any

import numpy
import pandas
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import AvailabilityError
from tsmon.availability import MinWindowWidths
from tsmon.availability.times import to_duration_ns

MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    "duration",
    [
        "6min",
        " 6 min ",
        "6m",
        "6 minutes",
        "360s",
        "360 sec",
        "360 seconds",
        "0.1h",
        "5min 60s",
        "5min, 60 s",
        "5 minutes 60000ms",
        "PT6M",
        "PT360S",
        "00:06:00",
        "0:06:00.0",
        timedelta(minutes=6),
        pandas.Timedelta("6min"),
        pandas.offsets.Minute(6),
        pandas.date_range("2024-01-01", periods=2, freq="6min").freq,
        numpy.timedelta64(6, "m"),
        numpy.timedelta64(360_000_000_000, "ns"),
        numpy.array([6], dtype="timedelta64[m]")[0],
        numpy.timedelta64(3, "2m"),
        pyarrow.scalar(timedelta(minutes=6)),
    ],
)
def test_six_minutes_may_be_given_in_many_ways(duration: Any) -> None:
    assert to_duration_ns(duration, "period") == 6 * MINUTE


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("1D", 1440 * MINUTE),
        ("1d", 1440 * MINUTE),
        ("1 day", 1440 * MINUTE),
        ("P1DT1H", 1500 * MINUTE),
        ("P2W", 14 * 1440 * MINUTE),
        ("1W", 7 * 1440 * MINUTE),
        ("1h", 60 * MINUTE),
        ("1H", 60 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("1ns", 1),
        ("1us", 1_000),
        ("1 µs", 1_000),
        ("100ms", 100_000_000),
        ("0.1s", 100_000_000),
        ("1:00:00.000000001", 60 * MINUTE + 1),
    ],
)
def test_texts_name_their_unit(text: str, duration_ns: int) -> None:
    assert to_duration_ns(text, "period") == duration_ns


@pytest.mark.parametrize(
    "duration",
    [
        "",
        "6",
        "min",
        "6M",
        "6 months",
        "1y",
        "6min x",
        "-6min",
        "1e3s",
        "P",
        "PT",
        360,
        360.0,
        True,
        None,
        pandas.NaT,
        pandas.offsets.MonthBegin(1),
        numpy.timedelta64("NaT", "s"),
        numpy.timedelta64(6, "M"),
        numpy.datetime64("2024-01-01"),
        numpy.array([6, 7], dtype="timedelta64[m]"),
        pandas.Timestamp("2024-01-01"),
        [6],
    ],
)
def test_what_is_no_duration_is_refused_by_its_place(duration: Any) -> None:
    with pytest.raises(
        AvailabilityError, match=r'^period: .* is not a duration; write one such as "6min" or "1h"$'
    ):
        to_duration_ns(duration, "period")


def test_names_in_nanoseconds_take_integers() -> None:
    assert to_duration_ns(360, "period_ns", has_unit=True) == 360
    assert to_duration_ns(numpy.int64(360), "period_ns", has_unit=True) == 360
    assert MinWindowWidths("6min", timedelta(hours=1)) == MinWindowWidths(6 * MINUTE, 60 * MINUTE)
    with pytest.raises(AvailabilityError, match=r"^outside_ns: 1\.5 is not a duration"):
        MinWindowWidths(1, 1.5)


@given(st.integers(-(2**62), 2**62))
def test_durations_of_pandas_are_exact(duration_ns: int) -> None:
    assert to_duration_ns(pandas.Timedelta(duration_ns, unit="ns"), "period") == duration_ns
    assert to_duration_ns(numpy.timedelta64(duration_ns, "ns"), "period") == duration_ns
