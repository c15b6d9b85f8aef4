"""Times on the clocks of the world: those that occur twice, and those that do not exist."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files import ColumnMapping, ReadOptions
from tsmon_agent.ingest.files.local_times import LocalTime, LocalTimes, TwoTimes, find_zone
from tsmon_agent.ingest.files.time_cells import parse_time_cell

T = 1_477_787_400_000_000_000
"""2016-10-30T00:30:00Z, which is 02:30 in Berlin, an hour before it is 02:30 again."""


def times(zone: str) -> LocalTimes:
    return LocalTimes(find_zone(zone), "when")


def test_a_time_that_occurs_twice_is_both_and_one_that_does_not_exist_is_none() -> None:
    berlin = times("Europe/Berlin")
    twice = LocalTime(datetime.fromisoformat("2016-10-30T02:30:00.000001"), 2)
    assert berlin.to_ns(twice) == TwoTimes(twice.moment, (T + 1002, T + 3_600_000_001_002), berlin)
    assert (
        berlin.to_ns(LocalTime(datetime.fromisoformat("2016-10-30T01:59:59.999999"), 999)) == T - 1800 * 10**9 - 1
    )
    assert berlin.to_ns(LocalTime(datetime.fromisoformat("2016-10-30T03:00:00"))) == T + 5400 * 10**9
    with pytest.raises(ValueError, match="does not exist") as caught:
        berlin.to_ns(LocalTime(datetime.fromisoformat("2016-03-27T02:30:00")))
    assert str(caught.value) == (
        "column when: 2016-03-27T02:30:00 does not exist in Europe/Berlin, where clocks were put forward by 1 h; "
        "for a clock that is never changed, give its offset, such as --timezone +01:00"
    )
    assert berlin.explain_two_times(twice.moment.replace(microsecond=0)) == (
        "column when: 2016-10-30T02:30:00 occurs twice in Europe/Berlin, where clocks were put back by 1 h, and "
        "the order of the rows does not show which it is; write it as 2016-10-30T02:30:00+02:00 or "
        "2016-10-30T02:30:00+01:00; for a clock that is never changed, give its offset, such as --timezone +01:00"
    )


@pytest.mark.parametrize(
    ("zone", "moment", "words"),
    [
        ("Australia/Lord_Howe", "2016-10-02T02:15", "by 30 min; .*--timezone \\+10:30"),
        ("America/St_Johns", "2016-03-13T02:15", "by 1 h; .*--timezone -03:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "by 24 h; "),
        ("Africa/Monrovia", "1972-01-07T00:30", "by 2670 s; .*--timezone -00:44:30"),
    ],
)
def test_changes_of_every_length_are_explained(zone: str, moment: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"column when: {moment}:00 does not exist in {zone}, .*{words}"):
        times(zone).to_ns(LocalTime(datetime.fromisoformat(moment)))


def test_zones_are_named_or_fixed_offsets() -> None:
    assert find_zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    for text, minutes in [("+01:00", 60), ("-0930", -570), ("UTC+1", 60), ("UTC-03:30", -210), ("+00:00", 0)]:
        assert find_zone(text) == timezone(timedelta(minutes=minutes))
        assert times(text).are_fixed
    assert times("UTC").are_fixed
    assert not times("Europe/Berlin").are_fixed
    for text in ("Nowhere", "+25:00", "+01:99", "", "../zone", "Europe", "+1:2", "a\0b"):
        with pytest.raises(
            ImportingError, match=r"there is no time zone .*name one such as UTC, Europe/Berlin, or"
        ):
            find_zone(text)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "+01:00"])
@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31T23:59:59.999999", "1500-01-01", "2500-01-01"])
def test_times_that_nanoseconds_cannot_hold_are_refused(zone: str, text: str) -> None:
    with pytest.raises(ValueError, match="is outside of the years 1677 to 2262"):
        times(zone).to_ns(LocalTime(datetime.fromisoformat(text)))


def test_a_zone_that_a_text_names_is_not_forgotten() -> None:
    form = "%Y-%m-%d %H:%M %Z"
    assert parse_time_cell("when", "2016-10-30 00:30 UTC", form) == T
    assert parse_time_cell("when", "2016-10-30 00:30 GMT", form) == T
    with pytest.raises(ValueError, match="column when: '2016-10-30 02:30 CEST' is not a time of the form"):
        parse_time_cell("when", "2016-10-30 02:30 CEST", form)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_times_with_an_offset_that_nanoseconds_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is outside of"):
        parse_time_cell("when", text, "iso")


def test_a_format_without_a_year_is_refused() -> None:
    with pytest.raises(ImportingError, match=r"--time-format %d\.%m\. %H:%M: it has no year"):
        ReadOptions(None, None, ColumnMapping(time_format="%d.%m. %H:%M"), None)
