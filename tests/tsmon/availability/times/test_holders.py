"""One rule for all kinds: naive is UTC, aware is converted, what is missing is left out and counted."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy
import pandas
import polars
import pyarrow
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from tsmon import AvailabilityError
from tsmon.availability import compute_availability
from tsmon.availability.time_arrays import read_times

SIX_MINUTES: Final = pandas.date_range("2024-05-01", periods=4, freq="6min")
EXPECTED: Final = SIX_MINUTES.as_unit("ns").asi8.tolist()
TEXTS: Final = ["2024-05-01", "2024-05-01T00:06", "2024-05-01 00:12:00Z", "2024-05-01T02:18:00+02:00"]
NAIVE: Final = SIX_MINUTES.to_pydatetime().tolist()
BERLIN: Final = [time.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin")) for time in NAIVE]
TEMPERATURES: Final = [10.5, 11.0, 0.0, 12.5]


def arrow(times: Any, kind: Any) -> Any:
    return pyarrow.array(times).cast(kind)


HELD: Final = {
    "list of naive datetimes": NAIVE,
    "list of aware datetimes": BERLIN,
    "list of Timestamps": list(SIX_MINUTES),
    "list of datetime64": list(SIX_MINUTES.to_numpy()),
    "list of ISO texts": TEXTS,
    "list of several kinds": [NAIVE[0], BERLIN[1], TEXTS[2], EXPECTED[3]],
    "set": {*NAIVE},
    "generator": (time for time in NAIVE),
    "NumPy datetime64": SIX_MINUTES.to_numpy(),
    "NumPy objects": numpy.array(NAIVE, dtype=object),
    "NumPy texts": numpy.array(TEXTS),
    "NumPy bytes": numpy.array(TEXTS).astype("S"),
    "NumPy big endian": numpy.array(EXPECTED, dtype=">i8"),
    "masked": numpy.ma.masked_array(EXPECTED, mask=False),
    "naive DatetimeIndex": SIX_MINUTES,
    "aware DatetimeIndex": SIX_MINUTES.tz_localize("UTC").tz_convert("Europe/Berlin"),
    "DatetimeArray": SIX_MINUTES.array,
    "Series of times": pandas.Series(SIX_MINUTES),
    "Series of texts": pandas.Series(TEXTS),
    "Series of objects": pandas.Series(NAIVE, dtype=object),
    "Series of a category": pandas.Series(SIX_MINUTES).astype("category"),
    "Series of a category of integers": pandas.Series(EXPECTED).astype("category"),
    "sparse": pandas.arrays.SparseArray(EXPECTED),
    "rarer ISO texts": ["20240501T000000Z", "2024-05-01T02:06+02", "2024-W18-3T00:12", "2024-05-01T00:18:00,0"],
    "Series of Arrow": pandas.Series(SIX_MINUTES).astype("timestamp[us][pyarrow]"),
    "Series of Arrow with a zone": pandas.Series(BERLIN).astype(
        pandas.ArrowDtype(pyarrow.timestamp("us", "Asia/Tokyo"))
    ),
    "Series of values": pandas.Series(TEMPERATURES, index=SIX_MINUTES),
    "Series of integers": pandas.Series([1, 2, 3, 4], index=SIX_MINUTES),
    "Series of words": pandas.Series(list("abcd"), index=SIX_MINUTES),
    "Series with a zone": pandas.Series(
        TEMPERATURES, index=SIX_MINUTES.tz_localize("UTC").tz_convert("Asia/Tokyo")
    ),
    "Series in any order": pandas.Series(TEMPERATURES, index=SIX_MINUTES)[::-1],
    "DataFrame": pandas.DataFrame({"temp": TEMPERATURES, "salt": [1, 2, 3, 4]}, index=SIX_MINUTES),
    "DataFrame without columns": pandas.DataFrame(index=SIX_MINUTES),
    "Series by dates of Arrow": pandas.Series(
        TEMPERATURES, index=pandas.Index(pandas.array(SIX_MINUTES, dtype="timestamp[ns][pyarrow]"))
    ),
    "DataFrame by dates of Arrow": pandas.DataFrame(
        {"temp": TEMPERATURES},
        index=pandas.Index(
            pandas.array(SIX_MINUTES.tz_localize("UTC"), dtype=pandas.ArrowDtype(pyarrow.timestamp("us", "UTC")))
        ),
    ),
    "Series by datetimes": pandas.Series([1, 2, 3, 4], index=pandas.Index(NAIVE, dtype=object)),
    "PeriodIndex": pandas.PeriodIndex(SIX_MINUTES, freq="min"),
    "Series of periods": pandas.Series(pandas.PeriodIndex(SIX_MINUTES, freq="min")),
    "Series by periods": pandas.Series(TEMPERATURES, index=pandas.PeriodIndex(SIX_MINUTES, freq="min")),
    "list of periods": list(pandas.PeriodIndex(SIX_MINUTES, freq="min")),
    "polars": polars.Series(NAIVE),
    "polars with a zone": polars.Series(NAIVE).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    "polars in milliseconds": polars.Series(NAIVE).dt.cast_time_unit("ms"),
    "polars texts": polars.Series(TEXTS),
    "polars categories": polars.Series(TEXTS, dtype=polars.Categorical),
    "polars integers": polars.Series(EXPECTED),
    "Arrow": arrow(EXPECTED, pyarrow.timestamp("ns")),
    "Arrow in seconds": arrow([time // 10**9 for time in EXPECTED], pyarrow.timestamp("s", "Asia/Tokyo")),
    "Arrow in chunks": pyarrow.chunked_array([EXPECTED[:1], EXPECTED[1:]], pyarrow.timestamp("ns")),
    "Arrow texts": pyarrow.array(TEXTS),
    "Arrow dictionary": pyarrow.array(TEXTS).dictionary_encode(),
    "list of Arrow scalars": list(arrow(EXPECTED, pyarrow.timestamp("ns"))),
    "xarray values": xarray.DataArray(TEMPERATURES, coords={"time": SIX_MINUTES}, dims="time"),
    "xarray times": xarray.DataArray(TEMPERATURES, coords={"time": SIX_MINUTES}, dims="time").time,
    "xarray observations": xarray.DataArray(
        TEMPERATURES, coords={"time": ("obs", SIX_MINUTES.to_numpy())}, dims="obs"
    ),
    "xarray numbered observations": xarray.DataArray(
        TEMPERATURES, coords={"obs": [1, 2, 3, 4], "time": ("obs", SIX_MINUTES.to_numpy())}, dims="obs"
    ),
    "xarray times of observations": xarray.DataArray(
        TEMPERATURES, coords={"time": ("obs", SIX_MINUTES.to_numpy())}, dims="obs"
    ).time,
    "list of xarray elements": list(xarray.DataArray(SIX_MINUTES.to_numpy(), dims="time")),
    "xarray without coordinates": xarray.DataArray(SIX_MINUTES.to_numpy(), dims="time"),
}


@pytest.mark.parametrize("held", HELD.values(), ids=HELD.keys())
def test_every_holder_gives_the_same_times(held: Any) -> None:
    found = read_times(held)
    assert ([int(time) for time in found.times_ns], found.left_out) == (EXPECTED, 0)


DAYS: Final = [date(1834, 2, 28), date(2024, 5, 1)]
DAYS_NS: Final = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9 for day in DAYS]


@pytest.mark.parametrize(
    "held",
    [
        DAYS,
        pandas.Series(DAYS),
        pandas.Series(DAYS).astype("date32[pyarrow]"),
        pandas.PeriodIndex(["1834-02-28", "2024-05-01"], freq="D"),
        polars.Series(DAYS),
        pyarrow.array(DAYS),
        pyarrow.array(DAYS).cast(pyarrow.date64()),
        numpy.array(DAYS),
        numpy.array(DAYS, dtype="datetime64[D]"),
        [day.isoformat() for day in DAYS],
        [numpy.datetime64(day) for day in DAYS],
    ],
    ids=lambda held: type(held).__name__,
)
def test_a_date_is_its_beginning_in_utc_and_may_be_long_ago(held: Any) -> None:
    assert list(read_times(held).times_ns) == DAYS_NS


T: Final = EXPECTED[0]
FRACTION: Final = T / 1e9
MISSING: Final = {
    "None": [None, T],
    "NaT": [pandas.NaT, T],
    "NA": [pandas.NA, T],
    "NaN": [float("nan"), T],
    "datetime64": [numpy.datetime64("NaT", "s"), T],
    "masked": [numpy.ma.masked, T],
    "text": ["NaT", T],
    "empty text": ["", TEXTS[0]],
    "NumPy times": numpy.array(["NaT", TEXTS[0]], dtype="M8[s]"),
    "NumPy floats": numpy.array([numpy.nan, FRACTION]),
    "NumPy texts": numpy.array(["NaT", TEXTS[0]]),
    "masked times": numpy.ma.masked_array(numpy.array([TEXTS[0]] * 2, dtype="M8[s]"), mask=[True, False]),
    "masked integers": numpy.ma.masked_array([0, T], mask=[True, False]),
    "masked floats": numpy.ma.masked_invalid([numpy.nan, FRACTION]),
    "masked objects": numpy.ma.masked_array([None, NAIVE[0]], mask=[True, False], dtype=object),
    "DatetimeIndex": pandas.DatetimeIndex([None, TEXTS[0]]),
    "PeriodIndex": pandas.PeriodIndex([None, TEXTS[0]], freq="D"),
    "Int64": pandas.array([None, T], dtype="Int64"),
    "Float64": pandas.array([None, FRACTION], dtype="Float64"),
    "Series of texts": pandas.Series([None, TEXTS[0]]),
    "Series of Arrow": pandas.Series([None, T], dtype="int64[pyarrow]"),
    "Series without a value": pandas.Series([numpy.nan, 10.5], index=[SIX_MINUTES[1], SIX_MINUTES[0]]),
    "Series without a time": pandas.Series([1.0, 2.0], index=pandas.DatetimeIndex([None, TEXTS[0]])),
    "DataFrame": pandas.DataFrame({"a": [None, 1.0], "b": [None, None]}, index=[SIX_MINUTES[1], SIX_MINUTES[0]]),
    "polars": polars.Series([None, NAIVE[0]]),
    "polars floats": polars.Series([float("nan"), FRACTION]),
    "polars integers": polars.Series([None, T]),
    "Arrow": pyarrow.array([None, T], pyarrow.timestamp("ns")),
    "Arrow chunks": pyarrow.chunked_array([[None], [T]], pyarrow.timestamp("ns")),
    "Arrow scalars": list(pyarrow.array([None, T], pyarrow.timestamp("ns"))),
    "xarray": xarray.DataArray([numpy.nan, 10.5], coords={"time": [SIX_MINUTES[1], SIX_MINUTES[0]]}, dims="time"),
}


@pytest.mark.parametrize("held", MISSING.values(), ids=MISSING.keys())
def test_what_is_missing_is_left_out_and_counted(held: Any) -> None:
    found = read_times(held)
    assert ([int(time) for time in found.times_ns], found.left_out) == ([T], 1)
    report = compute_availability(held, start_ns=T, end_ns=T + 1)
    assert report.left_out == 1


REFUSED: Final = {
    "DataFrame": (
        pandas.DataFrame({"temp": [1.0], "when": SIX_MINUTES[:1]}),
        "times is a table whose index holds no dates; give its column of times, such as table['when']",
    ),
    "DataFrame without times": (
        pandas.DataFrame({"temp": [1.0]}),
        "times is a table whose index holds no dates; give its column of times, such as table['time']",
    ),
    "polars": (
        polars.DataFrame({"time": NAIVE}),
        "times is a table; give its column of times, such as table['time']",
    ),
    "Arrow": (
        pyarrow.table({"time": NAIVE}),
        "times is a table; give its column of times, such as table['time']",
    ),
    "MultiIndex": (
        pandas.MultiIndex.from_product([["a"], SIX_MINUTES]),
        "times is an index of several levels; give one, index.get_level_values(…)",
    ),
    "durations": (pandas.to_timedelta([1]), "times are durations (timedelta64); give times"),
    "polars durations": (polars.Series([None, timedelta(1)]), "times[1]: 1 day, 0:00:00 is a duration; give times"),
    "Arrow place": (
        pyarrow.array([None, TEXTS[0], "x"]),
        "times[2]: 'x' is not a time; write 2024-05-01T12:30:00Z, 2024-05-01 12:30:00 or seconds since 1970",
    ),
    "place in pandas": (
        pandas.array([None, T, 5], dtype="Int64"),
        "times[2]: 5 in nanoseconds is before 1990; if it is a time, name its unit, such as unit='ns'",
    ),
    "place behind a mask": (
        numpy.ma.masked_array([0, T, 5], mask=[True, False, False]),
        "times[2]: 5 in nanoseconds is before 1990; if it is a time, name its unit, such as unit='ns'",
    ),
    "place after NaN": (
        numpy.array([numpy.nan, FRACTION, 5.0]),
        "times[2]: 5.0 in seconds is before 1990; if it is a time, name its unit, such as unit='s'",
    ),
    "place after NaT": (
        numpy.array(["NaT", "2024", "9999"], dtype="M8[Y]"),
        (
            "some times are not dates of the years 1677 to 2262 in whole nanoseconds, the first of them times[2]; "
            "leave them out"
        ),
    ),
    "two dimensions": (
        xarray.DataArray(numpy.zeros((2, 2))),
        "the array of times has 2 dimensions; give one of one dimension",
    ),
    "days as numbers": (
        ["20240501"],
        "times[0]: 20240501 in seconds is before 1990; if it is a time, name its unit, such as unit='s'",
    ),
    "DataFrame with two columns of one name": (
        pandas.DataFrame([[1, 2]], columns=["a", "a"]),
        "times is a table whose index holds no dates; give its column of times, such as table['time']",
    ),
    "text finer than nanoseconds": (
        ["2024-05-01T12:00:00.123456789012Z"],
        (
            "times[0]: '2024-05-01T12:00:00.123456789012Z' is not a time; write 2024-05-01T12:30:00Z, "
            "2024-05-01 12:30:00 or seconds since 1970"
        ),
    ),
    "finer than nanoseconds": (
        [numpy.datetime64(1, "ps")],
        "times[0]: 1970-01-01T00:00:00.000000000001 is finer than nanoseconds; round it",
    ),
}


@pytest.mark.parametrize(("held", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_holds_no_times_is_refused_with_the_place(held: Any, reason: str) -> None:
    with pytest.raises(AvailabilityError) as refused:
        compute_availability(held)
    assert str(refused.value) == reason


def test_the_index_of_a_series_wins_over_its_values() -> None:
    later = pandas.Series(SIX_MINUTES + pandas.Timedelta("1h"), index=SIX_MINUTES)
    assert list(read_times(later).times_ns) == EXPECTED


def test_an_error_of_the_users_own_iterator_reaches_them() -> None:
    def broken() -> Any:
        yield T
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        read_times(broken())


@st.composite
def moments(draw: st.DrawFn) -> list[datetime | None]:
    times = st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1))  # noqa: DTZ001
    return draw(st.lists(times | st.none(), max_size=6))


HOLDERS: Final[list[Callable[[list[Any]], Any]]] = [
    lambda times: numpy.array(times, dtype="datetime64[us]"),
    lambda times: pandas.Series(times, dtype="datetime64[us]"),
    lambda times: pandas.DatetimeIndex(times, dtype="datetime64[us, UTC]").tz_convert("Europe/Berlin"),
    lambda times: polars.Series(times, dtype=polars.Datetime("us")),
    lambda times: pyarrow.array(times, type=pyarrow.timestamp("us")),
    lambda times: [time and time.isoformat() for time in times],
    lambda times: [time and time.replace(tzinfo=UTC).astimezone(ZoneInfo("America/St_Johns")) for time in times],
]


@given(moments())
def test_all_kinds_agree_on_times_since_1800(times: list[datetime | None]) -> None:
    expected = read_times(times)
    assert expected.left_out == times.count(None)
    for hold in HOLDERS:
        found = read_times(hold(times))
        assert ([int(time) for time in found.times_ns], found.left_out) == (
            list(expected.times_ns),
            expected.left_out,
        )


def test_without_numpy_polars_and_arrow_give_the_same() -> None:
    program = """
import sys
sys.modules["numpy"] = sys.modules["pandas"] = None  # as if they were not installed
import datetime, polars, pyarrow
from tsmon.availability.time_arrays import read_times
days = [datetime.date(2024, 5, 1), None]
assert read_times(polars.Series(days)) == read_times(pyarrow.array(days)) == read_times(days), "differ"
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("", "")
