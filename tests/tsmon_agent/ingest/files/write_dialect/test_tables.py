"""Tables of the dialect of ``influx write``; lines that are expected are those that it writes."""

import io

import pytest

from tsmon.errors import ImportingError
from tsmon.line_protocol import ParsedPoint, parse_line
from tsmon_agent.ingest.files import AnnotatedCsv, detect_format

S = 1_000_000_000


def read(text: str, **options: object) -> tuple[list[str], list[tuple[int, str]]]:
    """The lines of a table, and the numbers and reasons of rejected rows."""
    reader = AnnotatedCsv(**{"unit_ns": 1, **options})  # type: ignore[arg-type]
    chunks = list(reader.read_chunks(io.BytesIO(text.encode()), 0, 1))
    return [line for one in chunks for line in one.lines], [
        (bad.line, bad.reason) for one in chunks for bad in one.bad
    ]


def points(lines: list[str]) -> list[ParsedPoint]:
    return [parse_line(line) for line in lines]


QUERY = """#group,false,false,true,true,false,false,true,true,true
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string
#default,_result,,,,,,,,
,result,table,_start,_stop,_time,_value,_field,_measurement,cpu
,,0,2020-02-25T22:17:54Z,2020-02-25T22:22:54Z,2020-02-25T22:17:57.000000001Z,0.5,steal,cpu,cpu1
"""
QUERY_LINE = "cpu,cpu=cpu1 steal=0.5 1582669077000000001"

TABLES = {
    "datatype": (
        (
            "#datatype measurement,tag,tag,double,double,ignored,dateTime:number\n"
            "m,cpu,host,time_steal,usage_user,nothing,time\n"
            "cpu,cpu1,rsavage.prod,0,2.7,a,1482669077000000000\n"
            "cpu,cpu1,,,2.2,b,1482669087000000000\n"
        ),
        [
            "cpu,cpu=cpu1,host=rsavage.prod time_steal=0,usage_user=2.7 1482669077000000000",
            "cpu,cpu=cpu1 usage_user=2.2 1482669087000000000",
        ],
    ),
    "types in the header": (
        (
            "m|measurement,cpu|tag,time_steal|double,nothing|ignored,time|dateTime:number\n"
            "cpu,cpu1,0,a,1482669077000000000\n"
        ),
        ["cpu,cpu=cpu1 time_steal=0 1482669077000000000"],
    ),
    "defaults": (
        (
            "#datatype measurement,tag,string,double,boolean,long,unsignedLong,duration,dateTime\n"
            "#default test,annotatedDatatypes,,,,,,\n"
            "m,name,s,d,b,l,ul,dur,time\n"
            ",,str1,1.0,true,1,1,1ms,1\n"
            ",,str2,2.0,false,2,2,-1h2m3.5s,2020-01-11T10:10:10Z\n"
        ),
        [
            'test,name=annotatedDatatypes s="str1",d=1,b=true,l=1i,ul=1u,dur=1000000i 1',
            'test,name=annotatedDatatypes s="str2",d=2,b=false,l=2i,ul=2u,dur=-3723500000000i 1578737410000000000',
        ],
    ),
    "defaults in the header": (
        "m|measurement|test,name|tag|x,s|string,l|long|7,time|dateTime\n,,str1,,1\n,y,,8,2\n",
        ['test,name=x s="str1",l=7i 1', "test,name=y l=8i 2"],
    ),
    "formats": (
        (
            "#constant measurement,test\n#constant tag,name,datetypeFormats\n#timezone -0500\n"
            't|dateTime:2006-01-02|1970-01-02,"d|double:,. ","b|boolean:y,Y:n,N|y"\n'
            '1970-01-01,"123.456,78",\n,"123 456,78",N\n'
        ),
        [
            "test,name=datetypeFormats d=123456.78,b=true 18000000000000",
            "test,name=datetypeFormats d=123456.78,b=false 104400000000000",
        ],
    ),
    "separator": (
        'sep=;\nm|measurement;available|boolean:y,Y:|n;dt|dateTime:number\ntest;nil;1\ntest;";";3\ntest;;4\ntest;Y;5\n',
        [
            f"test available={value} {time}"
            for value, time in [("false", 1), ("false", 3), ("false", 4), ("true", 5)]
        ],
    ),
    "constants": (
        "#constant,measurement,,cpu\n#constant,tag,cpu,cpu1\n#constant,long,of,0\n#constant,dateTime,,2\na,b\n1,1\n",
        ["cpu,cpu=cpu1 a=1,b=1,of=0i 2"],
    ),
    "concatenated": (
        "#concat,measurement,${a}${b}\n#concat,string,both,${a} and ${b}\n#constant,dateTime,,2\na,b\n1,1\n",
        ['11 a=1,b=1,both="1 and 1" 2'],
    ),
    "names of queries": (
        (
            "#datatype measurement,,,field,dateTime\nmeasurement,_field,_value,other,t\n"
            "cpu,a,1,2i,9\ncpu,b,true,3i,10\n"
        ),
        ["cpu a=1,other=2i 9", "cpu b=true,other=3i 10"],
    ),
    "numbers": (
        (
            'm|measurement,a|long,b|long:strict,"c|long:,.",d|unsignedLong,t|dateTime\n'
            'x,1000.000,1,"1.234,00",7,1\nx,1_000,2,5,18446744073709551615,2\n'
        ),
        ["x a=1000i,b=1i,c=1234i,d=7u 1", "x a=1000i,b=2i,c=5i,d=18446744073709551615u 2"],
    ),
    "two tables": (
        (
            "#constant tag,site,a\n#datatype measurement,double,dateTime\nm,a,t\nx,1,1\n\n"
            "#datatype measurement,long,dateTime\nm,b,t\ny,2,2\n"
        ),
        ["x,site=a a=1 1", "y b=2i 2"],
    ),
    "annotations between rows": (
        (
            "m|measurement,a|double,t|dateTime:2006-01-02\nx,1,1970-01-01\n#constant tag,site,b\n#timezone +0100\n"
            "# a comment\n#\nx,2,1970-01-02\n"
        ),
        ["x a=1 0", f"x,site=b a=2 {82_800 * S}"],
    ),
    "a zone that is changed": (
        (
            "#timezone Europe/Berlin\nm|measurement,v|double,t|dateTime:2006-01-02 15:04:05\n"
            "x,1,2017-06-30 09:48:00\nx,2,2017-10-29 02:30:00\n"
            "x,3,2017-10-29 02:30:00\nx,4,2017-12-30 09:48:00.25\n"
        ),
        [
            "x v=1 1498808880000000000",
            "x v=2 1509237000000000000",
            "x v=3 1509240600000000000",
            "x v=4 1514623680250000000",
        ],
    ),
    "abbreviations of a zone": (
        (
            "#timezone,Europe/Berlin\nm|measurement,v|double,t|dateTime:2006-01-02 15:04 MST\n"
            "x,1,2017-10-29 02:30 CEST\nx,2,2017-10-29 02:30 CET\nx,3,2017-10-29 02:30 UTC\n"
        ),
        ["x v=1 1509237000000000000", "x v=2 1509240600000000000", "x v=3 1509244200000000000"],
    ),
    "escapes": (
        '#datatype measurement,tag,string,string,dateTime\nm,t,s,q,d\n"a, b","c,d =e","line ""q""",back\\slash,1\n',
        [r'a\,\ b,t=c\,d\ \=e s="line \"q\"",q="back\\slash" 1'],
    ),
    "both dialects": (
        QUERY + "#datatype measurement,double,dateTime\nm,v,t\nx,1,1\n\n" + QUERY,
        [QUERY_LINE, "x v=1 1", QUERY_LINE],
    ),
    "the case of annotations": (
        "#DataType measurement,double,time\n#Constant tag,a,b\nm,v,t\nx,1,1\n",
        ["x,a=b v=1 1"],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_make_the_lines_that_influx_writes(name: str) -> None:
    text, expected = TABLES[name]
    lines, bad = read(text)
    assert not bad
    assert points(lines) == points(expected)
    for ends in (text.replace("\n", "\r\n"), "\ufeff" + text if name != "separator" else text):
        assert detect_format(ends.encode()) == "annotated-csv"
    assert points(read(text.replace("\n", "\r\n"))[0]) == points(expected)


def test_options_say_what_the_table_does_not() -> None:
    text = "v|double,t|dateTime:2006-01-02 15:04\n1,2017-06-30 09:48\n"
    assert read(text, measurement="m", timezone="Europe/Berlin")[0] == ["m v=1.0 1498808880000000000"]
    seconds = "v|double,t|dateTime:number\n1,1498808880\n"
    assert read(seconds, measurement="m", unit_ns=S)[0] == ["m v=1.0 1498808880000000000"]
    assert read(seconds, measurement="m")[0] == ["m v=1.0 1498808880"], "nanoseconds, if one says so"
    assert read(seconds, measurement="m", unit_ns=None) == (
        [],
        [(2, "column t: 1498808880 looks like a time in a unit other than ns; name the unit by --precision")],
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,1,2,3", "it has 4 cells, and the table has 3 columns"),
        (",1,2", "it has no measurement; give a column the type measurement, or name it by --measurement"),
        ("x,1", "it has no time, so importing it again would make another point"),
        ("x,1,yesterday", "column t: 'yesterday' is not a time in ISO 8601"),
        ("x,,2", "it has no field with a value"),
        ("x,12.5,2", "column v: '12.5' is not of type long"),
        ("x,1e3,2", "column v: '1e3' is not of type long"),
        ("x,9223372036854775808,2", "column v: '9223372036854775808' is not of type long"),
        (
            "#x,1,2",
            "#x is not an annotation; there are #datatype, #group, #default, #constant, #concat and #timezone",
        ),
    ],
)
def test_a_row_that_is_no_line_is_rejected(row: str, reason: str) -> None:
    lines, bad = read(f"m|measurement,v|long,t|dateTime\nx,1,1\n{row}\nx,3,3\n")
    assert lines == ["x v=1i 1", "x v=3i 3"]
    assert [number for number, _ in bad] == [3]
    assert bad[0][1].startswith(reason)


@pytest.mark.parametrize(
    ("type_", "cell", "what"),
    [
        ("double", "1,5", "of type double"),
        ("double:.", "1_000", "of type double:."),
        ("double", "nan", "of type double"),
        ("boolean", "maybe", "of type boolean"),
        ("boolean:yes:no", "Yes", "of type boolean:yes:no"),
        ("duration", "5", "of type duration"),
        ("unsignedLong", "-1", "of type unsignedLong"),
        ("long:strict", "1.0", "of type long:strict"),
        ("field", "abc", "a value as line protocol has it"),
        ("field", "1,b=2", "a value as line protocol has it"),
    ],
)
def test_a_cell_that_is_not_of_its_type_is_rejected(type_: str, cell: str, what: str) -> None:
    lines, bad = read(f'm|measurement,v|{type_},t|dateTime\nx,"{cell}",1\n')
    assert lines == []
    assert bad[0][1].startswith(f"column v: {cell!r} is not {what}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "m|measurement,v|float,t|dateTime\n",
            "line 1: column v: float is not a data type; choose from measurement, ",
        ),
        ("m|measurement,v|base64Binary,t|dateTime\n", "line 1: column v: base64Binary is no type of a field"),
        ("m|measurement,v|double\n", "line 1: no column is the time"),
        ("m|measurement,t|dateTime\n", "line 1: no column is a field"),
        ("m|measurement,v|double,v|long,t|dateTime\n", "line 1: two columns are called v"),
        ("m|measurement,v|double,s|time,t|dateTime\n", "line 1: the time is in more than one column, s and t"),
        ("m|measurement,v|boolean:yes,t|dateTime\n", "line 1: column v: boolean:yes does not list what is false"),
        ("m|measurement,v|double,t|dateTime:15:04\n", "line 1: column t: the layout '15:04' has no year"),
        ("#timezone Mars/Olympus\nv|double,t|dateTime\n", "line 1: there is no time zone 'Mars/Olympus'"),
        ("#constant\nv|double,t|dateTime\n", "line 1: #constant names no data type"),
        ("#constant,tag\nv|double,t|dateTime\n", "line 1: #constant tag names no column"),
        ("#concat,tag,a,${b}\nv|double,t|dateTime\n", "line 2: a: there is no column b to insert; there are v, t"),
        (
            ",result,table,_time,_value,_field\n,,0,1970-01-01T00:00:00Z,1,v\n",
            "line 1: the table has no row #datatype",
        ),
        (
            "#datatype,string,long,dateTime:RFC3339,double\n,result,table,_time,v\n",
            "line 2: the table has no row #group",
        ),
    ],
)
def test_a_table_that_makes_no_lines_ends_the_import_with_its_line(text: str, reason: str) -> None:
    assert detect_format(text.encode()) == "annotated-csv"
    with pytest.raises(ImportingError) as caught:
        read(text)
    assert str(caught.value).startswith(reason)


def test_an_error_of_a_query_and_cells_that_do_not_fit_are_rejected_in_words() -> None:
    error = "#datatype,string,string\n#group,true,true\n#default,,\n,error,reference\n,out of memory,897\n"
    lines, bad = read(
        QUERY + ",,0,,,2020-02-25T22:17:57Z,much,steal,cpu,cpu1\n,,0,,\n,,0,,,x,1,s,c,c,c\n\n" + error
    )
    assert lines == [QUERY_LINE]
    assert bad == [
        (6, "column _value: 'much' is not of type double"),
        (7, "it has no _measurement; name one by --measurement"),
        (8, "column _time: 'x' is not of type dateTime:RFC3339"),
        (14, "the query failed: out of memory"),
    ]
    assert read("error,reference\nout of memory,897\n")[1] == [(2, "the query failed: out of memory")]
