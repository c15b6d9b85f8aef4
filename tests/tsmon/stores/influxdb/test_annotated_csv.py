import pytest

from tsmon.errors import StoreError
from tsmon.stores.influxdb.annotated_csv import parse_rfc3339, parse_rows


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-02T03:04:05.123456789Z", 1_767_323_045_123_456_789),
        ("2026-01-02T03:04:05.1Z", 1_767_323_045_100_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1677-09-21T00:12:43.145224194Z", -(2**63) + 2),
        ("2262-04-11T23:47:16.854775806Z", 2**63 - 2),
    ],
)
def test_times_are_exact_to_the_nanosecond(text: str, time_ns: int) -> None:
    assert parse_rfc3339(text) == time_ns


def test_an_error_in_the_answer_is_raised() -> None:
    with pytest.raises(StoreError, match="the query failed: out of memory"):
        list(parse_rows("error,reference\r\nout of memory,897\r\n"))


def test_an_error_after_some_rows_is_raised_too() -> None:
    text = (
        "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,_result,,\r\n"
        ",result,table,_value\r\n,,0,5\r\n\r\n"
        "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,runtime error,\r\n"
    )
    found = parse_rows(text)
    assert next(found).values == {"_value": 5}
    with pytest.raises(StoreError, match="runtime error"):
        next(found)


def test_an_empty_answer_has_no_rows() -> None:
    assert list(parse_rows("")) == []
    assert list(parse_rows("\r\n")) == []
