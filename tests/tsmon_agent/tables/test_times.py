"""Dates and times are read as they are written, and refused where they may be two."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import ImportingError
from tsmon_agent.tables.times import find_time_form, has_date, is_time_of_day, parse_time

TODAY = datetime(2026, 11, 29, tzinfo=UTC)
MOMENT = datetime(2017, 6, 30, 9, 48)  # noqa: DTZ001


def is_time(text: str, order: str = "") -> bool:
    try:
        parse_time(text, order)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("2017-6-30 9:48", ""),
        ("2017-06-30T09:48", ""),
        ("2017/06/30 09:48:00", ""),
        ("2017.06.30 09:48", ""),
        ("30-Jun-2017 09:48", ""),
        ("30 June 2017, 9:48 am", ""),
        ("30Jun2017 09:48:00", ""),
        ("Jun 30 2017 09:48:00", ""),
        ("June 30, 2017 9:48 AM", ""),
        ("30-jun-17 09:48", ""),
        ("20170630 0948", ""),
        ("20170630094800", ""),
        ("20170630T094800", ""),
        ("201706300948", ""),
        ("30/06/17 09:48", "dmy"),
        ("30.6.2017 9:48", "dmy"),
        ("6/30/2017 9:48:00 AM", "mdy"),
        ("17-06-30 09:48", "ymd"),
    ],
)
def test_forms_of_times(text: str, order: str) -> None:
    assert parse_time(text, order) == (MOMENT, 0)
    assert has_date(text)
    assert not has_date(text, only=True)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("Z", 0), (" UTC", 0), (" GMT", 0), ("+02:00", 120), (" -0330", -210), ("+01", 60)],
)
def test_zones(text: str, offset: int) -> None:
    moment, _ = parse_time(f"2017-6-30 9:48{text}")
    assert moment == MOMENT.replace(tzinfo=timezone(timedelta(minutes=offset)))


def test_details_of_the_time_of_day() -> None:
    assert parse_time("2017-6-30 9:48:01.123456789") == (MOMENT.replace(second=1, microsecond=123456), 789)
    assert parse_time("2017-6-30 9:48:01,5")[0].microsecond == 500_000
    assert parse_time("2017-6-30 12:00 AM")[0].hour == 0
    assert parse_time("2017-6-30 12:00 p.m.")[0].hour == 12
    assert parse_time("2017-6-30 24:00")[0] == datetime(2017, 7, 1)  # noqa: DTZ001
    for text in ["24:01", "13:00 PM", "0:30 AM", "9:60", "9:48:60"]:
        assert not is_time(f"2017-6-30 {text}")
    assert is_time_of_day("9:48")
    assert not is_time_of_day("2017-6-30")
    assert has_date("2017-6-30", only=True)


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2017-06-30", "2017-07-01"], "iso"),
        (["30/06/17"], "dmy"),
        (["30/06/17", "01/07/17"], "dmy"),
        (["06/07/2017", "06/13/2017"], "mdy"),
        (["01.07.2017", "31.07.2017"], "dmy"),
        (["99-06-30"], "ymd"),
        (["30-Jun-17"], "iso"),
        (["1498816080"], "s"),
        (["1498816080.5"], "s"),
        (["1498816080123"], "ms"),
        (["1498816080123456"], "us"),
        (["1498816080123456789"], "ns"),
        (["20170630", "20170701"], "iso"),
        (["20170630094800"], "iso"),
        (["201706300948"], "iso"),
        (["broken", "30/06/17"], "dmy"),
        ([], "iso"),
    ],
)
def test_the_form_is_recognised_where_there_is_no_doubt(texts: list[str], form: str) -> None:
    assert find_time_form(texts, TODAY) == form


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (
            ["06/07/2017", "07/07/2017"],
            "may be day, month, year (dmy) or month, day, year (mdy); name its order by",
        ),
        (["06.07.2017"], "'06.07.2017' may be"),
        (["12/06/17"], "may be day, month, year (dmy) or month, day, year (mdy) or year, month, day (ymd)"),
        (["25-06-17"], "may be day, month, year (dmy) or year, month, day (ymd)"),
        (
            ["30/06/2017", "06/30/2017"],
            "'30/06/2017' and '06/30/2017' have the day and the month in different places",
        ),
        (["1"], "'1' is no number of s, ms, us or ns since 1970 between 1990 and 2100; name its unit"),
        (["42916.4"], "is no number of s, ms, us or ns"),
        (["2017063009"], "may be a date and an hour or seconds since 1970"),
        (["1498816080", "1498816080123"], "is no number of s, ms, us or ns"),
    ],
)
def test_what_may_be_two_times_needs_the_option(texts: list[str], said: str) -> None:
    with pytest.raises(ImportingError) as caught:
        find_time_form(texts, TODAY)
    assert said in str(caught.value)


days = st.integers(0, 13_480).map(lambda day: datetime(1990, 1, 1) + timedelta(days=day))  # noqa: DTZ001
moments = st.builds(lambda day, minute: day + timedelta(minutes=minute), days, st.integers(0, 1439))
FORMATS = [
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%y %H:%M",
    "%m-%d-%y %I:%M %p",
    "%y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
]


@given(st.lists(moments, min_size=1, max_size=10), st.sampled_from(FORMATS))
def test_written_times_are_read_back_or_refused(times: list[datetime], form: str) -> None:
    texts = [f"{time:{form}}" for time in times]
    try:
        found = find_time_form(texts, TODAY)
    except ImportingError:
        return
    assert [parse_time(text, "" if found == "iso" else found)[0] for text in texts] == times


@given(st.text("0123456789-/.: TZapmJunAM+", max_size=20), st.sampled_from(["", "dmy", "mdy", "ymd"]))
def test_any_text_is_a_time_or_none(text: str, order: str) -> None:
    assert is_time(text, order) in (True, False)
