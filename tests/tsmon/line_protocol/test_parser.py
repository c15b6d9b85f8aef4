import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import Point
from tsmon.errors import InvalidPointError, LineProtocolError
from tsmon.line_protocol import Encoding, ParsedPoint, Tag, Unsigned, parse, parse_line, split_lines


class Sample(Point, measurement="s,a m=p l\\e"):
    declared: Tag[str | None] = None
    text: str | None = None


NASTY = st.text(alphabet=st.sampled_from(list(',= "\\#ab\n\r\0é\ufeff\u2028')) | st.characters(), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


def encoded(samples: list[Sample]) -> list[tuple[str, Sample]]:
    """Encode the points that can be stored."""
    encoding = Encoding()
    lines = []
    for sample in samples:
        try:
            lines.append((encoding.encode(sample), sample))
        except InvalidPointError:
            continue
    return lines


@given(
    st.lists(
        st.builds(
            Sample,
            declared=st.none() | NASTY,
            text=st.none() | NASTY,
            tags=st.dictionaries(NASTY, NASTY, max_size=3),
            fields=st.dictionaries(NASTY, NASTY | NUMBERS, max_size=3),
            time=st.integers(-(2**63) + 2, 2**63 - 2),
        ),
        max_size=8,
    )
)
def test_encoded_points_are_parsed_back(samples: list[Sample]) -> None:
    lines = encoded(samples)
    data = "\n".join(line for line, _ in lines).encode()
    for parsed, (_, sample) in zip(parse(data), lines, strict=True):
        assert isinstance(sample.time, int)
        tags = {"declared": sample.declared, **(sample.tags or {})}
        fields = {"text": sample.text, **(sample.fields or {})}
        assert parsed == ParsedPoint(
            "s,a m=p l\\e",
            {key: str(value) for key, value in tags.items() if value},
            {key: value for key, value in fields.items() if value is not None},
            sample.time,
        )
        assert typed(parsed.fields) == typed(fields)


def typed(fields: Mapping[str, object]) -> dict[str, tuple[type, float]]:
    """The types of values and the signs of floats, because True == 1 and -0.0 == 0.0 in Python."""
    return {
        key: (type(value), math.copysign(1, value) if isinstance(value, float) else 0)
        for key, value in fields.items()
        if value is not None
    }


@given(st.lists(st.builds(Sample, text=NASTY, tags=st.dictionaries(NASTY, NASTY, max_size=2), time=st.just(1))))
def test_lines_are_split_where_they_were_joined(samples: list[Sample]) -> None:
    lines = [line for line, _ in encoded(samples)]
    found = list(split_lines("\n".join(lines)))
    assert [line for _, line in found] == lines
    numbers = [1 + sum(line.count("\n") + 1 for line in lines[:index]) for index in range(len(lines))]
    assert [number for number, _ in found] == numbers


@given(st.lists(st.sampled_from(list('mf=,"\\ \n1#\t')), max_size=40).map("".join))
def test_splitting_first_gives_the_points_of_the_whole(data: str) -> None:
    def whole() -> list[ParsedPoint]:
        return list(parse(data))

    def split() -> list[ParsedPoint]:
        return [parse_line(line, number) for number, line in split_lines(data.encode())]

    assert outcome(whole) == outcome(split)
    rejoined = "\n".join(line for _, line in split_lines(data))
    assert [line for _, line in split_lines(rejoined)] == [line for _, line in split_lines(data)]


def outcome(parsing: Any) -> object:
    try:
        return parsing()
    except LineProtocolError as error:
        return str(error)


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("m f=1", ParsedPoint("m", {}, {"f": 1.0}, None)),
        ("m  \t f=1 \t -5  ", ParsedPoint("m", {}, {"f": 1.0}, -5)),
        ("m f=1 \t\0", ParsedPoint("m", {}, {"f": 1.0}, None)),
        (r"a\ b\,c=d\e f=1 1", ParsedPoint(r"a b,c=d\e", {}, {"f": 1.0}, 1)),
        (r"m=n,a\=b=c\=d f=1 1", ParsedPoint("m=n", {"a=b": "c=d"}, {"f": 1.0}, 1)),
        (r"m,t=a\\,b,u=\=x f=1 1", ParsedPoint("m", {"t": r"a\,b", "u": "=x"}, {"f": 1.0}, 1)),
        (r"m,t=\a f\g=1 1", ParsedPoint("m", {"t": r"\a"}, {r"f\g": 1.0}, 1)),
        (r'm f\"\ g="x" 1', ParsedPoint("m", {}, {'f" g': "x"}, 1)),
        ('m f"="a\nb" 1', ParsedPoint("m", {}, {'f"': "a\nb"}, 1)),
        ('m f="a,b=c d",g="\\"\\\\\\n" 1', ParsedPoint("m", {}, {"f": "a,b=c d", "g": '"\\\\n'}, 1)),
        ("m,t=a\\\nb f=1 1", ParsedPoint("m", {"t": "a\\\nb"}, {"f": 1.0}, 1)),
        ("m,b=1,a=2 f=1,f=2 1", ParsedPoint("m", {"b": "1", "a": "2"}, {"f": 2.0}, 1)),
        ("m\xa0é,\ufeff=\u2028 f=1 1", ParsedPoint("m\xa0é", {"\ufeff": "\u2028"}, {"f": 1.0}, 1)),
        (
            "m a=1i,b=-0i,c=18446744073709551615u,d=-.5,e=5.,f=1e3,g=1.e-3,h=00 1",
            ParsedPoint(
                "m",
                {},
                {"a": 1, "b": 0, "c": Unsigned(2**64 - 1), "d": -0.5, "e": 5.0, "f": 1e3, "g": 1e-3, "h": 0.0},
                1,
            ),
        ),
        ("m a=t,b=FALSE,c=True 1", ParsedPoint("m", {}, {"a": True, "b": False, "c": True}, 1)),
        ("m f=1 9223372036854775806", ParsedPoint("m", {}, {"f": 1.0}, 9223372036854775806)),
    ],
)
def test_corner_cases_are_read_as_the_server_reads_them(line: str, point: ParsedPoint) -> None:
    assert list(parse(line)) == [point]
    assert typed(parse_line(line).fields) == typed(point.fields)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",t=a f=1", "the measurement is missing"),
        (
            r"a\=b f=1",
            "measurement 'a\\\\=b' has a backslash before ',', ' ', '=' or '\"', so no query finds it",
        ),
        ("m", "fields are missing after column 1 ('m')"),
        ("m,t=a", "fields are missing after column 1 ('m,t=a')"),
        ("m,t f=1", "a tag is not key=value at column 2 (',t f=1')"),
        ("m,t= f=1", "a tag is not key=value at column 2 (',t= f=1')"),
        ("m,t=a=b f=1", "a tag is not key=value at column 2 (',t=a=b f=1')"),
        (r"m,t\=a f=1", r"a tag is not key=value at column 2 (',t\\=a f=1')"),
        ("m,t==a f=1", "a tag is not key=value at column 2 (',t==a f=1')"),
        ("m,t=a,t=b f=1", "tag 't' occurs twice"),
        ("m,time=a f=1", "tag key 'time' is reserved"),
        ("m ", "a field is not key=value at column 3 (the line's end)"),
        ("m f", "a field is not key=value at column 3 ('f')"),
        ("m f=", "a field is not key=value at column 3 ('f=')"),
        ("m =1", "a field is not key=value at column 3 ('=1')"),
        ("m f=1,", "a field is not key=value at column 7 (the line's end)"),
        (r"m f\=1", r"a field is not key=value at column 3 ('f\\=1')"),
        (r"m f\\=1", r"a field is not key=value at column 3 ('f\\\\=1')"),
        ('m f="a', "a field is not key=value at column 3 ('f=\"a')"),
        ('m f="a"b', "a field is not key=value at column 3 ('f=\"a\"b')"),
        ("m f=x", "field 'f' has the invalid value 'x'"),
        ("m f=+1 1", "field 'f' has the invalid value '+1'"),
        ("m f=1_0 1", "field 'f' has the invalid value '1_0'"),
        ("m f=nan 1", "field 'f' has the invalid value 'nan'"),
        ("m f=1e400 1", "field 'f' has the invalid value '1e400'"),
        ("m f=1e 1", "field 'f' has the invalid value '1e'"),
        ("m f=. 1", "field 'f' has the invalid value '.'"),
        ("m f=0x1 1", "field 'f' has the invalid value '0x1'"),
        ("m f=1.0i 1", "field 'f' has the invalid value '1.0i'"),
        ("m f=tRUE 1", "field 'f' has the invalid value 'tRUE'"),
        ("m f=9223372036854775808i 1", "field 'f' is 9223372036854775808i, out of 64-bit range"),
        ("m f=-1u 1", "field 'f' is -1u, out of 64-bit range"),
        ("m f=-0u 1", "field 'f' is -0u, out of 64-bit range"),
        ("m f=1 1.5", "the time is not an integer at column 6 (' 1.5')"),
        ("m f=1 1 1", "the time is not an integer at column 6 (' 1 1')"),
        ("m f=1 1\t", "the time is not an integer at column 6 (' 1\\t')"),
        ("m f=1 -", "the time is not an integer at column 6 (' -')"),
        ("m f=1 9223372036854775807", "time 9223372036854775807 ns is out of range"),
        ("m f=1 -9223372036854775807", "time -9223372036854775807 ns is out of range"),
        ("m f=1 1\r", "the time is not an integer at column 6 (' 1\\r')"),
        ("m f=t\r", "field 'f' has the invalid value 't\\r'"),
    ],
)
def test_bad_lines_are_refused_and_the_place_is_named(line: str, reason: str) -> None:
    with pytest.raises(LineProtocolError) as caught:
        list(parse(line))
    assert (caught.value.reason, caught.value.line) == (reason, 1)


def test_thousands_of_digits_are_refused_without_conversion() -> None:
    for line in (f"m f={'9' * 5000}i 1", f"m f=1 {'9' * 5000}", f"m f={'9' * 5000} 1"):
        with pytest.raises(LineProtocolError):
            parse_line(line)


def test_a_bad_line_is_reported_with_its_number() -> None:
    data = b'# comment\n\n  \t\nm f="a\nb\nc" 1\nm f=1 1\nm f=bad 1\nm f=2 2'
    points = parse(data)
    assert [next(points).fields["f"] for _ in range(2)] == ["a\nb\nc", 1.0]
    with pytest.raises(LineProtocolError, match=r"^line 8: field 'f' has the invalid value 'bad'$"):
        next(points)


def test_invalid_utf_8_is_reported_with_its_line() -> None:
    with pytest.raises(LineProtocolError, match=r"^line 2: byte 0xff is not UTF-8$"):
        list(parse(b"m f=1 1\nm f=\xff 1\nm f=1 1"))
