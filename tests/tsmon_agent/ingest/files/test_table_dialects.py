"""Tables as people have them are read right without options, or refused with the option that is needed."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tsmon_agent.shell import Shell, agent
from tsmon.errors import ImportingError
from tsmon.line_protocol import parse_line
from tsmon_agent.ingest.files import ColumnMapping, PlainCsv, complete_mapping

__all__ = ["agent"]

T = 1_498_816_080_000_000_000
DAY = 86_400_000_000_000
TEMPERATURES = [f"m temp=1.5 {T}", f"m temp=-1234.25 {T + DAY}"]


def read(text: str, **given: object) -> tuple[str, list[str], list[tuple[int, str]]]:
    """The description of the table, its lines, and its bad rows."""
    data = text.encode()
    table = complete_mapping(ColumnMapping(measurement="m", **given), io.BytesIO(data))  # type: ignore[arg-type]
    chunks = list(PlainCsv(table).read_chunks(io.BytesIO(data), 0, 1))
    bad = [(row.line, row.reason) for chunk in chunks for row in chunk.bad]
    return str(table), [line for chunk in chunks for line in chunk.lines], bad


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,temp\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n", ""),
        ("time;temp\n2017-6-30 9:48;1,5\n2017-7-1 9:48;-1234,25\n", "; separated by semicolons; numbers as 1234,5"),
        ("time\ttemp\n2017-6-30 9:48\t1,5\n2017-7-1 9:48\t-1.234,25\n", "; separated by tabs; numbers as 1.234,5"),
        ('time,temp\n2017-6-30 9:48,"1,5"\n2017-7-1 9:48,"-1234,25"\n', "; numbers as 1234,5"),
        ('time,temp\n2017-6-30 9:48,1.5\n2017-7-1 9:48,"-1,234.25"\n', "; numbers as 1,234.5"),
        (
            "time|temp\n2017-6-30 9:48|1.5\n2017-7-1 9:48|-1'234.25\n",
            "; numbers as 1'234.5",
        ),
        ("Date Time  temp\n2017-6-30 9:48   1.5\n2017-7-1  9:48 -1234.25 \n", "separated by spaces"),
        ("Date,Time,temp\n30/06/17,9:48,1.5\n01/07/17,09:48:00,-1234.25\n", "time: Date and Time (dmy, UTC)"),
        (
            "Datum;Uhrzeit;temp\n30.06.2017;09:48;1,5\n01.07.2017;09:48;-1234,25\n",
            "time: Datum and Uhrzeit (dmy",
        ),
        ("time,temp\n6/30/17 9:48 AM,1.5\n7/1/17 9:48 AM,-1234.25\n", "time: time (mdy, UTC)"),
        ("\n\ntime,temp\n\n2017-6-30 9:48,1.5\n ,\n2017-7-1 9:48,-1234.25\n\n", "; header in line 3"),
        (
            '# a, "b\ntime,temp\n2017-6-30 9:48,1.5\n  # c\n#2017-7-1,5\n2017-7-1 9:48,-1234.25\n',
            "; header in line 2",
        ),
        ("# by savetxt\n# time,temp\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n", "; header in line 2"),
        ("time,temp\nUTC,°C\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n", "; 1 row of units below it"),
        ("time,temp\n[UTC],1\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n", None),
        (",time,temp\n0,2017-6-30 9:48,1.5\n1,2017-7-1 9:48,-1234.25\n", "; left out: the index"),
        ("Unnamed: 0,time,temp\n7,2017-6-30 9:48,1.5\n8,2017-7-1 9:48,-1234.25\n", "; left out: the index"),
        (",temp\n2017-06-30 09:48:00,1.5\n2017-07-01 09:48:00,-1234.25\n", "time: index (iso, UTC)"),
        ("time,temp,\n2017-6-30 9:48,1.5,\n2017-7-1 9:48,-1234.25\n", ""),
        ("time,temp\n2017-6-30 9:48,1.5,,\n2017-7-1 9:48,-1234.25,\n", ""),
        ("Station,A\nSerial,7\n\ntime,temp\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n", "; header in line 4"),
        ("\ufefftime,temp\n2017-6-30 9:48,1.5\n2017-7-1 9:48,-1234.25\n".removeprefix("\ufeff"), ""),
        ("time,temp\r2017-6-30 9:48,1.5\r2017-7-1 9:48,-1234.25\r", ""),
        ('time, temp\n2017-6-30 9:48, "1.5"\n2017-7-1 9:48, \u22121234.25\n', ""),
        (
            "time,date,temp\n2017-6-30 9:48,2017-6-30,1.5\n2017-7-1 9:48,2017-7-1,-1234.25\n",
            "left out: date (the",
        ),
        ("time,temp,salt\n20170630094800,1.5,\n20170701094800,-1234.25,\n", "fields: temp (float), salt (float)"),
    ],
)
def test_recognised_without_options(text: str, said: str | None) -> None:
    shown, lines, bad = read(text)
    if said is None:
        assert [line for line, _ in bad] == [2], "a row of units that may be a row is rejected, and told"
    else:
        assert bad == []
        assert said in shown
        if not said:
            assert shown == "time: time (iso, UTC); measurement: m; tags: none; fields: temp (float)"
    assert lines == TEMPERATURES


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        (
            "time;temp\n2017-6-30 9:48;1,500\n",
            {"decimal": ","},
            "'1,500' may be 1500 or 1.500; name the",
        ),
        ("time;temp\n2017-6-30 9:48;1.500,0\n2017-7-1 9:48;1.5\n", None, "both decimal signs"),
        ("date,time,temp\n06/07/2017,9:48,1.5\n", {"time_format": "dmy"}, "name its order by --time-format"),
        ("time,temp\n42916.5,1\n", {"time_format": "s"}, "name its unit or form by --time-format"),
        (
            "time,temp\nlast night,1\n",
            None,
            "'last night', which is no time that is recognised",
        ),
        (
            "date,clk,temp\n2017-6-30,9:48,1\n2017-6-30,9:58,1\n",
            {"time_of_day": "clk"},
            "may be in the column clk",
        ),
        ("time,temp\n9:48,1\n9:58,2\n", None, "the column time holds times of day; name the column of the dates"),
        (
            "time,timestamp,temp\n2017-6-30 1:00,2017-6-30 2:00,1\n",
            {"time": "time"},
            "may both be the time",
        ),
        ("time,temp,temp\n2017-6-30,1,2\n", None, "the header has the column temp 2 times; rename all but one"),
        ("time,temp,\n2017-6-30,1,2\n", None, "column 3 has no name, though it holds values such as '2'"),
        ("time\n2017-6-30\n", None, "no delimiter separates the lines into the same number of columns"),
        ("time,temp\n2017-6-30,1\n", {"delimiter": ";"}, None),
        ("t\x1b[31m,time,temp\na,2017-6-30,1\n", None, "control characters; this is no header"),
        ("\n\n", None, "the file is empty"),
        (
            "Zeit;p\n30.06.2017 9:48;998\n30.06.2017 9:58;1.013\n",
            {"decimal": ","},
            "'1.013' may be 1013 or 1.013; name the decimal sign by --decimal",
        ),
        (
            "Time (CET),v\n2017-6-30 9:48,1\n",
            {"timezone": "+01:00"},
            "the name of the column Time (CET) says that its times are CET, not UTC; name the zone by --timezone",
        ),
        ("Date,Time (local),v\n30/6/17,9:48,1\n", {"timezone": "+00:00"}, "its times are local, not UTC"),
        ("Zeit [MEZ];v\n30.06.17 9:48;1\n", {"timezone": "Europe/Berlin"}, "its times are MEZ, not UTC"),
        (
            "date,hour,v\n2017-06-30,0,1\n2017-06-30,1,2\n",
            {"time_of_day": "hour", "time_format": "%Y-%m-%d %H"},
            "and of several rows with the same date only one would be kept",
        ),
        (
            "time,v\nseconds since 2000-01-01,degC\n652047280,1\n",
            None,
            "the column time counts from 2000 (seconds since 2000-01-01), not from 1970",
        ),
        ("time (seconds since 1990-01-01),v\n652047280,1\n", None, "counts from 1990 (time (seconds since 1990-01"),
        ("time,v\n2017-06-30+01:00,1\n", None, "'2017-06-30+01:00', which is no time that is recognised"),
        ("2017-06-30,1\n2017-07-01,2\n", None, "the first row (2017-06-30, 1) holds values; put names of columns"),
    ],
)
def test_a_doubt_needs_the_option_that_is_named(text: str, given: dict[str, str] | None, said: str | None) -> None:
    if said is None:
        with pytest.raises(ImportingError, match="does not separate two columns"):
            read(text, **given or {})
        return
    with pytest.raises(ImportingError) as caught:
        read(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    if given is not None:
        assert read(text, **given)[2] == []


def test_marks_of_missing_values_are_no_values() -> None:
    text = "time,a,b,s\n2017-6-30 9:48,NULL,1,NULL\n2017-6-30 9:48,-,2,x\n2017-6-30 9:48,N/A,-9999,y\n"
    assert read(text, fields={"a": "float", "b": "int", "s": "str"}, missing=["-9999"])[1] == [
        f'm b=1i,s="NULL" {T}',
        f'm b=2i,s="x" {T}',
        f'm s="y" {T}',
    ]
    assert read("time,a\n2017-6-30,NULL\n2017-7-1,-\n2017-7-2,1\n2017-7-3,\n")[2] == [
        (5, "it has no field with a value")
    ]
    assert read(text, tags=["s"], missing=["NULL"])[1][:2] == [f"m b=1.0 {T}", f"m,s=x b=2.0 {T}"]


def test_what_a_long_column_holds_decides_and_the_odd_cell_is_rejected() -> None:
    rows = "".join(f"2017-6-30 9:{n:02},{'ERR' if n == 30 else n}\n" for n in range(60))
    _, lines, bad = read(f"time,temp\n{rows}")
    assert len(lines) == 59
    assert bad == [(32, "column temp: 'ERR' is not of type float")]


def test_a_column_that_is_empty_at_first_is_not_left_out() -> None:
    rows = "".join(f"2017-6-30 9:{n:02},1,\n" for n in range(60)) * 1_000
    data = f"time,temp,late\n{rows}2017-6-30 10:00,1,2.5\n2017-6-30 10:01,1,cleaned\n".encode()
    table = complete_mapping(ColumnMapping(measurement="m"), io.BytesIO(data[: 1 << 20]))
    assert "fields: temp (float), late (float)" in str(table)
    *_, chunk = PlainCsv(table).read_chunks(io.BytesIO(data), 0, 1)
    assert chunk.lines[-1].startswith("m temp=1.0,late=2.5 ")
    assert [(bad.line, bad.reason) for bad in chunk.bad] == [
        (60_003, "column late: 'cleaned' is not of type float")
    ]


def test_a_tag_that_begins_like_a_comment_is_no_comment() -> None:
    _, lines, bad = read("sensor,time,v\n#1,2017-6-30 9:48,2\n# 2 was broken\n#2,2017-6-30 9:48,3\n")
    assert (lines, bad) == ([f"m,sensor=#1 v=2.0 {T}", f"m,sensor=#2 v=3.0 {T}"], [])


@pytest.mark.parametrize(
    ("name", "zone", "hours"),
    [
        ("Date Time, GMT-04:00", "UTC", 4),
        ("Time (UTC+1)", "UTC", -1),
        ("time (UTC)", "UTC", 0),
        ("Time GMT-04:00", "+02:00", -2),
    ],
)
def test_an_offset_in_the_header_is_that_of_the_times(name: str, zone: str, hours: int) -> None:
    _, lines, _ = read(f'"{name}",v\n2017-6-30 9:48,1\n', timezone=zone, time=name)
    assert lines == [f"m v=1.0 {T + hours * 3_600_000_000_000}"]


def test_the_offset_of_the_times_of_day_is_that_of_the_times() -> None:
    _, lines, _ = read('Date,"Time, GMT-04:00",v\n2017-6-30,9:48:00,1\n')
    assert lines == [f"m v=1.0 {T + 4 * 3_600_000_000_000}"]
    assert read("Time (+01:00),v\n2017-6-30 9:48,1\n")[1] == [f"m v=1.0 {T - 3_600_000_000_000}"]


def test_seconds_since_1970_may_be_called_so() -> None:
    assert read(f"time,v\nseconds since 1970-01-01T00:00:00Z,psu\n{T // 10**9},1\n")[1] == [f"m v=1.0 {T}"]


@pytest.mark.parametrize("text", [f"Time (CET),v\n{T // 10**9},1\n", "Local Time,v\n2017-06-30T11:48:00+02:00,1\n"])
def test_the_name_of_a_zone_does_not_matter_where_times_have_one(text: str) -> None:
    assert read(text)[1] == [f"m v=1.0 {T}"]


def test_nanoseconds_behind_a_comma_are_kept() -> None:
    assert read("time;v\n2017-06-30 09:48:00,123456789;1\n")[1] == [f"m v=1.0 {T + 123_456_789}"]


def test_a_mark_of_missing_values_is_the_same_number_in_another_form() -> None:
    text = "time;v;n;s\n2017-6-30 9:48;-9999,00;1;-9999\n2017-7-1 9:48;1,5;-9999;-9999.0\n"
    for mark in ("-9999", "-9999.0", "-9999,0"):
        _, lines, bad = read(text, missing=[mark], fields={"v": "float", "n": "int"})
        assert (lines, bad) == ([f"m n=1i {T}", f"m v=1.5 {T + DAY}"], [])


def test_rows_that_replace_others_are_counted() -> None:
    text = "time,v\n2017-6-30 9:48,1\n2017-6-30 9:48,2\n2017-6-30 9:48,2\n2017-6-30 9:49,2\n"
    assert read(text)[0].endswith(
        "; 2 of the first rows replace values of earlier ones with the same time and tags"
    )
    assert "replace" not in read(text, timezone="Europe/Berlin")[0]
    assert "replace" not in read("time,s,v\n2017-6-30,a,1\n2017-6-30,b,2\n2017-6-30,b,2\n")[0]


def test_a_quote_that_is_not_closed_is_no_value() -> None:
    _, lines, bad = read('time,v\n2017-6-30 9:48,1\n2017-7-1 9:48,"12.5')
    assert lines == [f"m v=1.0 {T}"]
    assert [line for line, _ in bad] == [3]


def test_a_quote_that_is_not_closed_swallows_no_other_row() -> None:
    rows = [f"2017-6-30 9:{n:02},{n},a" for n in range(60)]
    rows[7] = '2017-6-30 9:07,7,"a'
    rows[40] = '2017-6-30 9:40,40,"a'
    _, lines, bad = read("time,v,s\n" + "\n".join(rows), fields={"v": "float", "s": "str"})
    assert len(lines) == 58
    assert [line for line, _ in bad] == [9, 42]
    long = "\n".join(f"2017-6-30,{n},{'x' * 90}" for n in range(6_000))
    with pytest.raises(ImportingError, match="line 2: the row is not valid CSV"):
        read(f'time,v,s\n2017-6-30,1,"a\n{long}\n')
    mapping = ColumnMapping(measurement="m", fields={"v": "float", "s": "str"})
    table = complete_mapping(mapping, io.BytesIO(b"time,v,s\n2017-6-30,1,a\n"))
    [chunk] = PlainCsv(table).read_chunks(io.BytesIO(f'time,v,s\n2017-6-30,1,"a\n{long}\n'.encode()), 0, 1)
    assert len(chunk.lines) == 6_000
    assert [(row.line, row.text) for row in chunk.bad] == [(2, '2017-6-30,1,"a')]


def test_lines_are_numbered_as_in_the_file() -> None:
    text = '# a\n\ntime,v,s\nUTC,m,x\n# b\n2017-6-30,1,"a\n# no comment\nb"\nx,1,c\n'
    _, lines, bad = read(text, fields={"v": "float", "s": "str"})
    assert lines == ['m v=1.0,s="a\n# no comment\nb" 1498780800000000000']
    assert bad == [(9, "column time: 'x' is not a time in ISO 8601")]


def test_the_options_of_the_command(agent: Shell) -> None:
    text = "%c\nx;y\nDay;Clock;Flow\nd;t;l/s\n06/07/17;9:48;1,234\n07/07/17;9:48;-9999\n"
    options = [
        "--delimiter",
        "semicolon",
        "--time",
        "Day",
        "--time-of-day",
        "Clock",
        "--time-format",
        "mdy",
        "--decimal",
        ",",
    ]
    options += [
        "--missing",
        "-9999",
        "--comment",
        "%",
        "--header-line",
        "3",
        "--unit-rows",
        "1",
        "--thousands",
        "none",
    ]
    ran = agent("import", "-", "--format", "csv", "-m", "m", "--dry-run", *options, typed=text)
    assert ran.out == "m Flow=1.234 1496828880000000000\n"
    assert "rejected" not in ran.err, "a row whose values are missing is no mistake"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--delimiter", "ab", "--delimiter 'ab': give one character, or tab, space or semicolon"),
        ("--decimal", ";", "--decimal ';': give a point or a comma"),
        ("--thousands", "x", "--thousands 'x': give one of"),
        ("--time-of-day", "x", "there is no column x; there are time, v"),
        ("--encoding", "idna", "there is no encoding 'idna'; name one such as"),
        ("--encoding", "punycode", "there is no encoding 'punycode'; name one such as"),
    ],
)
def test_mistakes_in_options(agent: Shell, option: str, value: str, said: str) -> None:
    ran = agent("import", "-", "--format", "csv", "-m", "m", option, value, typed="time,v\n2017-6-30,1\n")
    assert said in ran.mistake


dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "decimal": st.sampled_from(".,"),
        "form": st.sampled_from(
            ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%y %I:%M:%S %p", "%Y/%m/%d{}%H:%M:%S"]
        ),
        "head": st.sampled_from(["", "# a;b,c\n", "\n\n", "Station: x\n"]),
        "units": st.sampled_from(["", "UTC{}°C{}psu\n", "{}{}\n"]),
        "end": st.sampled_from(["\n", "\r\n"]),
    }
)
numbers = st.decimals(-99_999, 99_999, places=3, allow_nan=False)
steps = st.integers(1, 40_000_000)


@given(dialects, st.lists(st.tuples(steps, numbers, numbers), min_size=1, max_size=12))
def test_a_table_in_any_dialect_is_read_right_or_refused(
    dialect: dict[str, str], rows: list[tuple[int, object, object]]
) -> None:
    delimiter, form = dialect["delimiter"], dialect["form"].format(dialect["delimiter"])
    moment = datetime(2001, 2, 3, tzinfo=UTC)
    is_split = delimiter in form
    names = ["Date", "Time", "temp", "salt"] if is_split else ["time", "temp", "salt"]
    text = dialect["head"] + delimiter.join(names) + "\n"
    if not is_split:
        text += dialect["units"].format(delimiter, delimiter)
    expected = []
    for step, temp, salt in rows:
        moment += timedelta(seconds=step)
        cells = [
            f'"{cell}"' if delimiter == "," else cell
            for cell in (str(one).replace(".", dialect["decimal"]) for one in (temp, salt))
        ]
        text += delimiter.join([moment.strftime(form), *cells]) + "\n"
        expected.append((int(moment.timestamp()) * 10**9, {"temp": float(str(temp)), "salt": float(str(salt))}))
    try:
        _, lines, bad = read(text.replace("\n", dialect["end"]))
    except ImportingError:
        return
    assert bad == []
    assert [(point.time_ns, dict(point.fields)) for point in map(parse_line, lines)] == expected


@pytest.mark.parametrize("halves", ["AM,PM", "a.m.,p.m."])
def test_halves_of_days_in_a_column_of_their_own_are_refused(halves: str) -> None:
    am, pm = halves.split(",")
    text = f"Date,Time,half,temp\n06/30/2017,09:48,{am},1.5\n06/30/2017,01:48,{pm},2.5\n"
    with pytest.raises(
        ImportingError, match=r"^the column half holds AM and PM, which belong to the times of day; "
    ):
        read(text)
