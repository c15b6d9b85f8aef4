"""Times by layouts of Go; the expected times are those of Go's ``time.Parse``."""

from datetime import datetime, timedelta

import pytest

from tsmon_agent.ingest.files.write_dialect.go_layouts import GoLayout


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        ("2006-01-02", "2017-06-30", "2017-06-30T00:00:00"),
        ("02/01/06 3:04:05 PM", "30/06/17 1:02:03 PM", "2017-06-30T13:02:03"),
        ("02/01/06 3:04:05 PM", "01/12/99 12:00:00 AM", "1999-12-01T00:00:00"),
        ("2.1.06 03:04pm", "3.7.69 12:05pm", "1969-07-03T12:05:00"),
        ("Jan 2 2006 15:04:05 -0700", "oct 3 2017 9:48:00.123456789 -0330", "2017-10-03T09:48:00.123456-03:30+789"),
        ("Mon Jan _2 15:04:05 2006", "Sat Jul  1 09:48:00 2017", "2017-07-01T09:48:00"),
        ("Monday, January 2, 2006", "friday, JUNE 30, 2017", "2017-06-30T00:00:00"),
        ("2006-002 15:04", "2016-366 23:59", "2016-12-31T23:59:00"),
        ("2006__2", "2017 31", "2017-01-31T00:00:00"),
        ("20060102150405.000", "20170630094800.123", "2017-06-30T09:48:00.123000"),
        ("15:04:05.999 2006-01-02", "09:48:00,5 2017-06-30", "2017-06-30T09:48:00.500000"),
        ("2006-01-02T15:04:05Z07:00", "2017-06-30T09:48:00Z", "2017-06-30T09:48:00+00:00"),
        ("2006-01-02T15:04:05Z07:00", "2017-06-30T09:48:00+05:30", "2017-06-30T09:48:00+05:30"),
        ("Z07 2006-01-02", "-03 2017-06-30", "2017-06-30T00:00:00-03:00"),
        ("2006-01-02 -07:00:00", "2017-06-30 +00:44:30", "2017-06-30T00:00:00+00:44:30"),
        ("_2006_01_02", "_2017_06_30", "2017-06-30T00:00:00"),
        ("2006-01-02 15h04", "2017-06-30   9h48", "2017-06-30T09:48:00"),
    ],
)
def test_a_text_is_parsed_by_a_layout(layout: str, text: str, expected: str) -> None:
    found = GoLayout.compile(layout).parse(text)
    moment, _, nanoseconds = expected.partition("+789") if expected.endswith("+789") else (expected, "", "")
    aware = datetime.fromisoformat(moment)
    assert (found.moment, found.offset) == (aware.replace(tzinfo=None), aware.utcoffset())
    assert found.nanoseconds == (789 if expected.endswith("+789") else 0)
    assert nanoseconds == ""
    assert found.zone == ""


def test_the_abbreviation_of_a_zone_is_found() -> None:
    layout = GoLayout.compile("02-Jan-06 15:04 MST")
    assert layout.parse("30-Jun-17 09:48 CEST").zone == "CEST"
    assert layout.parse("30-Jun-17 09:48 +02").offset == timedelta(hours=2)


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02", "2017-6-30"),
        ("2006-01-02", "2017-06-30 "),
        ("2006-01-02", "2017-02-30"),
        ("2006-01-02 15:04", "2017-06-30 24:00"),
        ("2006-01-02 3PM", "2017-06-30 13PM"),
        ("2006-002", "2017-366"),
        ("2006-002", "2017-000"),
        ("2006-01-02T15:04:05Z07:00", "2017-06-30T09:48:00"),
        ("20060102150405.000", "20170630094800.12"),
        ("2006-01-02 -0700", "2017-06-30 +0260"),
        ("1504 2006", "9480 2017"),
        ("2006-01-02", "\uff12\uff10\uff11\uff17-06-30"),
    ],
)
def test_what_does_not_fit_is_an_error(layout: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words it
        GoLayout.compile(layout).parse(text)


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ("15:04", "has no year"),
        ("yyyy-mm-dd", "has no year"),
        ("2006-01-01", "has the same part of a time twice"),
    ],
)
def test_a_layout_that_makes_no_time_is_refused(layout: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        GoLayout.compile(layout)
