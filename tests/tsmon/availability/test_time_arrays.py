"""Times in every form that people have them in."""

import subprocess
import sys
from array import array
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import numpy
import pandas
import pytest

from tsmon import AvailabilityError
from tsmon.availability.time_arrays import normalize_times
from tsmon.line_protocol.times import MAX_TIME_NS, to_time_ns
from tsmon.line_protocol.values import MAX_INT64

T = 1_700_000_000_123_456_789
TIMES = [T, T + 1, T + 3]
STAMPS = ["2023-11-14T22:13:20.123456789", "2023-11-14T22:13:20.123456790", "2023-11-14T22:13:20.123456792"]


@pytest.mark.parametrize(
    "times",
    [
        TIMES,
        tuple(TIMES),
        iter(TIMES),
        array("q", TIMES),
        [numpy.int64(time) for time in TIMES],
        numpy.array(TIMES),
        numpy.array(TIMES, dtype="uint64"),
        numpy.array(TIMES, dtype=object),
        numpy.array(STAMPS, dtype="datetime64[ns]"),
        pandas.DatetimeIndex(STAMPS),
        pandas.DatetimeIndex(STAMPS, tz="UTC").tz_convert("Asia/Tokyo"),
        pandas.Series(pandas.DatetimeIndex(STAMPS)),
        pandas.Series(TIMES),
        [pandas.Timestamp(stamp, tz="UTC") for stamp in STAMPS],
    ],
    ids=lambda times: type(times).__name__,
)
def test_nanoseconds_are_kept_whatever_holds_them(times: Any) -> None:
    assert list(normalize_times(times)) == TIMES


@pytest.mark.parametrize("order", [[2, 0, 1], [0, 1, 1, 2], [2, 2, 1, 0, 0]])
@pytest.mark.parametrize("holder", [list, numpy.array])
def test_any_order_becomes_increasing_and_each_time_is_there_once(holder: Any, order: list[int]) -> None:
    assert list(normalize_times(holder([TIMES[i] for i in order]))) == TIMES


@pytest.mark.parametrize(
    "times",
    [
        [0.5, 1.5],
        numpy.array([0.5, 1.5]),
        [
            datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
            datetime(1970, 1, 1, 2, 0, 1, 500_000, timezone(timedelta(hours=2))),
        ],
        numpy.array([500, 1500], dtype="datetime64[ms]"),
        pandas.Series([0.5, 1.5]),
    ],
)
def test_seconds_milliseconds_and_zones_become_nanoseconds(times: Any) -> None:
    assert list(normalize_times(times, "s")) == [500_000_000, 1_500_000_000]


@pytest.mark.parametrize("times", [[], numpy.array([], dtype="int64"), pandas.DatetimeIndex([])])
def test_no_times_are_no_mistake(times: Any) -> None:
    assert len(normalize_times(times)) == 0


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ([T, "x"], r"^times\[1\]: 'x' is not a time; write 2024-05-01T12:30:00Z, "),
        (
            [T, []],
            r"^times\[1\]: time is of type list; give a date, a text such as 2024-05-01T12:30:00Z, or a number$",
        ),
        ([True], r"times\[0\]: time is True"),
        ([T, timedelta(1)], r"^times\[1\]: 1 day, 0:00:00 is a duration; give times$"),
        ([None, float("inf")], r"^times\[1\]: inf is not a time; give a finite number$"),
        (numpy.array([numpy.nan, numpy.inf]), r"^times\[1\]: inf is not a time; give a finite number$"),
        (numpy.array([[1, 2]]), "2 dimensions"),
        (numpy.array([True]), r"times\[0\]: time is True"),
        (numpy.array([1], dtype="timedelta64[s]"), r"^times are durations \(timedelta64\); give times$"),
        (
            numpy.array(["NaT", "9999-01-01"], dtype="datetime64[s]"),
            r"1677 to 2262 .*, the first of them times\[1\]; ",
        ),
        (numpy.zeros(2, dtype=[("time", "i8")]), r"^times is an array with the fields time; give one, such as "),
        (numpy.datetime64("2026-01-01"), "^times is .*2026-01-01.*; give a list, a column or an array of times$"),
        ("2026-01-01", "^times is '2026-01-01'; give a list, a column or an array of times$"),
        ({"time": TIMES}, "^times is .*; give a list, a column or an array of times$"),
        (5, "^times is 5; give a list, a column or an array of times$"),
    ],
)
def test_what_is_no_time_is_refused_by_its_place(times: Any, reason: str) -> None:
    with pytest.raises(AvailabilityError, match=reason):
        normalize_times(times)


NANOSECONDS_OF = {
    "W": Fraction(7 * 86_400 * 10**9),
    "D": Fraction(86_400 * 10**9),
    "3D": Fraction(3 * 86_400 * 10**9),
    "h": Fraction(3_600 * 10**9),
    "m": Fraction(60 * 10**9),
    "25s": Fraction(25 * 10**9),
    "s": Fraction(10**9),
    "ms": Fraction(10**6),
    "us": Fraction(10**3),
    "ns": Fraction(1),
    "ps": Fraction(1, 10**3),
    "25ps": Fraction(25, 10**3),
    "fs": Fraction(1, 10**6),
    "as": Fraction(1, 10**9),
}


def dates(numbers: list[int], unit: str, order: str = "=") -> Any:
    return numpy.array(numbers, dtype="int64").view(f"datetime64[{unit}]").astype(f"{order}M8[{unit}]")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("unit", NANOSECONDS_OF)
def test_dates_of_every_unit_are_exact_up_to_both_ends_and_refused_beyond(unit: str, order: str) -> None:
    each_ns = NANOSECONDS_OF[unit]
    whole = each_ns.denominator
    last = min(int(MAX_TIME_NS / each_ns), MAX_INT64) // whole * whole
    ends = [-last, -whole, 0, whole, last]
    assert list(normalize_times(dates(ends, unit, order))) == [number * each_ns for number in ends]
    for beyond in {last + 1, -last - 1, MAX_INT64, -MAX_INT64}:
        if beyond * each_ns != int(beyond * each_ns) or abs(beyond * each_ns) > MAX_TIME_NS:
            with pytest.raises(AvailabilityError, match=r"^some times are not dates .* leave them out$"):
                normalize_times(dates([0, beyond] if beyond > 0 else [beyond, 0], unit, order))


@pytest.mark.parametrize(("unit", "first", "last"), [("Y", "1678-01", "2262-01"), ("M", "1677-10", "2262-04")])
def test_years_and_months_are_exact_up_to_both_ends_and_refused_beyond(unit: str, first: str, last: str) -> None:
    ends = numpy.array([first, last], dtype="datetime64[M]").astype(f"datetime64[{unit}]")
    assert list(normalize_times(ends)) == [
        to_time_ns(datetime.fromisoformat(f"{end}-01T00:00:00Z")) for end in (first, last)
    ]
    lowest, highest = ends.astype("int64").tolist()
    for beyond in (lowest - 1, highest + 1, -MAX_INT64, MAX_INT64 - 1970 * 12):
        with pytest.raises(AvailabilityError, match=r"^some times are not dates .* leave them out$"):
            normalize_times(dates([beyond], unit))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("holder", [pandas.DatetimeIndex, pandas.Series])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_dates_of_pandas_are_exact_up_to_both_ends(unit: str, holder: Any, zone: str | None) -> None:
    last = MAX_TIME_NS // int(NANOSECONDS_OF[unit])
    index = pandas.DatetimeIndex(dates([-last, last], unit))
    times = holder(index if zone is None else index.tz_localize("UTC").tz_convert(zone))
    assert list(normalize_times(times)) == [-last * NANOSECONDS_OF[unit], last * NANOSECONDS_OF[unit]]


def test_a_list_needs_neither_numpy_nor_pandas() -> None:
    program = (
        "from tsmon.availability import compute_availability; compute_availability(range(9), unit='s'); "
        "import sys; print({'numpy'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
