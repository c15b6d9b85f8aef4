"""The quick reading of rolled windows: all that is as the server writes it, and nothing else."""

import pytest

from tsmon.stores.influxdb.rollups.columns import parse_columns

COLUMN = "#datatype,string,long,long\r\n#group,false,false,false\r\n#default,{},,\r\n,result,table,_value\r\n{}\r\n"
TOLD = (
    "#datatype,string,long,long,string,string\r\n#group,false,false,false,true,true\r\n#default,{},,,,\r\n"
    ",result,table,_value,_field,s\r\n{}\r\n"
)


def column(name: str, *numbers: int) -> str:
    return COLUMN.format(name, "".join(f",,0,{number}\r\n" for number in numbers))


WHOLE = (
    column("count", 2, 3, 1)
    + column("first", 5, 17, 7)
    + TOLD.format(
        "length",
        ",,0,2,v:count,a\r\n,,1,2,v:first,a\r\n,,2,2,v:last,a\r\n"
        ',,3,1,v:count,"b,""c"\r\n,,4,1,v:first,"b,""c"\r\n,,5,1,v:last,"b,""c"\r\n',
    )
    + column("last", 6, 19, 8)
    + TOLD.format(
        "sum",
        ",,0,5,v:count,a\r\n,,1,22,v:first,a\r\n,,2,25,v:last,a\r\n"
        ',,3,1,v:count,"b,""c"\r\n,,4,7,v:first,"b,""c"\r\n,,5,8,v:last,"b,""c"\r\n',
    )
)


def test_series_are_separated_also_by_tags_that_need_quotes() -> None:
    found = parse_columns(WHOLE, 10)
    assert found is not None
    assert {tags: (one.firsts, one.lasts, one.counts) for tags, one in found.items()} == {
        (("s", "a"),): ([5, 17], [6, 19], [2, 3]),
        (("s", 'b,"c'),): ([7], [8], [1]),
    }
    assert [one.start_ns for one in found[("s", "a"),]] == [0, 10]


def test_nothing_is_no_series() -> None:
    assert parse_columns("", 10) == {}
    assert parse_columns("\r\n\r\n\r\n", 10) == {}


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("_value", "_other"),
        WHOLE.replace("#default,last", "#default,mean"),
        WHOLE.replace(",,0,19\r", ",,0,1.5\r"),
        WHOLE.replace(",,0,19\r", ",,0,\r"),
        WHOLE.replace(",,0,19\r", ",,1,19\r"),
        WHOLE.replace(",,0,19\r\n", ""),
        WHOLE.replace(",,0,19\r\n", ",,0,19\r\n,,0,20\r\n"),
        WHOLE.replace(column("last", 6, 19, 8), column("last", 8, 6, 19)),  # in another order than the sums say
        WHOLE.replace(column("last", 6, 19, 8), ""),
        WHOLE.replace(",,5,8,v:last", ",,5,9,v:last"),
        WHOLE.replace(",,5,1,v:last", ",,5,1,v:mean"),
        WHOLE.replace(',,5,8,v:last,"b,""c"\r\n', ""),
        WHOLE.replace('"b,""c"', "a"),  # as if only a missing tag distinguished them
        WHOLE.replace("17", "6").replace("22", "11"),  # begins before the one before it ends
        WHOLE[: WHOLE.index("#datatype", 5)],
        WHOLE.replace("\r\n", "\n"),
        "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,it failed,897\r\n",
        f"{WHOLE}#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,failed,897\r\n",
    ],
)
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    assert parse_columns(text, 10) is None


def test_sums_beyond_64_bits_are_those_of_the_server() -> None:
    high = 2**62
    text = (
        column("count", 1, 1)
        + column("first", high, high + 10)
        + column("last", high + 1, high + 11)
        + TOLD.format("length", ",,0,2,v:count,a\r\n,,1,2,v:first,a\r\n,,2,2,v:last,a\r\n")
        + TOLD.format("sum", f",,0,2,v:count,a\r\n,,1,{10 - 2**63},v:first,a\r\n,,2,{12 - 2**63},v:last,a\r\n")
    )
    found = parse_columns(text, 10)
    assert found is not None
    assert found[("s", "a"),].lasts == [high + 1, high + 11]
