"""The quick reading of rolled windows: all that is as the server writes it, and nothing else."""

import pytest

from tsmon.stores.influxdb.rollups.windows import windows_of

HEAD = (
    "#datatype,string,long,long,string\r\n#group,false,false,false,true\r\n#default,{},,,\r\n"
    ",result,table,_value,s\r\n"
)


def answer(*results: tuple[str, str]) -> str:
    return "".join(HEAD.format(name) + body + "\r\n" for name, body in results)


WHOLE = answer(
    ("count", ',,0,2,a\r\n,,0,3,a\r\n,,1,1,"b,""c"\r\n'),
    ("first", ',,0,5,a\r\n,,0,17,a\r\n,,1,7,"b,""c"\r\n'),
    ("last", ',,0,6,a\r\n,,0,19,a\r\n,,1,7,"b,""c"\r\n'),
)


def test_series_are_told_apart_also_by_tags_that_need_quotes() -> None:
    found = windows_of(WHOLE, 10)
    assert found is not None
    assert {tags: (one.firsts, one.lasts, one.counts) for tags, one in found.items()} == {
        (("s", "a"),): ([5, 17], [6, 19], [2, 3]),
        (("s", 'b,"c'),): ([7], [7], [1]),
    }
    assert [one.start_ns for one in found[("s", "a"),]] == [0, 10]


def test_nothing_is_no_series() -> None:
    assert windows_of("", 10) == {}
    assert windows_of("\r\n\r\n\r\n", 10) == {}


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("_value", "_other"),
        WHOLE.replace("#default,last", "#default,mean"),
        WHOLE.replace(",,0,19,a", ",,0,1.5,a"),
        WHOLE.replace(",,0,19,a", ",,0,,a"),
        WHOLE.replace(",,0,19,a", ",,0,19,b"),
        WHOLE.replace(",,0,19,a\r\n", ""),
        WHOLE.replace(",,0,17,a", ",,0,6,a"),
        WHOLE[: WHOLE.index("#datatype", 5)],
        WHOLE.replace("\r\n", "\n"),
        "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,it failed,897\r\n",
    ],
)
def test_what_is_not_understood_is_not_guessed(text: str) -> None:
    assert windows_of(text, 10) is None
