"""The real InfluxDB stores what was encoded, and accepts what the parser accepts."""

import itertools
import re
import types
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.services.influxdb import InfluxDB
from tests.services.stored import Stored, stored
from tsmon import Point, Tag
from tsmon.errors import DeclarationError, InvalidPointError, LineProtocolError
from tsmon.line_protocol import Encoding, FieldValue, ParsedPoint, Unsigned, parse

# Not shrunk: each try costs the server a bucket, and what differs is shown alone.
ON_THE_SERVER = settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
WORST = list(",= \"\\#\n\r\t\0\x7f\x85\u2028\ufeff\ufffd_0aé😀\ud800'")
TEXT = st.text(alphabet=st.sampled_from(WORST) | st.characters(), max_size=10)
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.1, -0.0, 1e16, 5e-324, 1.8e307])
VALUES = TEXT | INTEGERS | FLOATS | st.booleans()
POINTS = st.tuples(
    TEXT,
    st.dictionaries(TEXT, TEXT, max_size=3),
    st.dictionaries(TEXT, VALUES, min_size=1, max_size=3),
)


def line_of(point: ParsedPoint) -> str | None:
    """Encode the point; None if it is refused."""
    try:
        cls = types.new_class("Any", (Point,), {"measurement": point.measurement})
        return Encoding().encode(cls(tags=point.tags, fields=point.fields, time=point.time_ns))
    except (InvalidPointError, DeclarationError):
        return None


def records(points: Iterable[ParsedPoint]) -> set[Stored]:
    """What the server should hold after these points."""
    return {
        Stored(point.measurement, frozenset(point.tags.items()), key, kind_of(value), value, point.time_ns)
        for point in points
        for key, value in point.fields.items()
        if point.time_ns is not None
    }


def kind_of(value: FieldValue) -> str:
    return "uint" if isinstance(value, Unsigned) else type(value).__name__


def bits(found: set[Stored]) -> set[Stored]:
    """Compare floats by all their bits, because -0.0 == 0.0."""
    return {row._replace(value=row.value.hex()) if isinstance(row.value, float) else row for row in found}


@ON_THE_SERVER
@given(st.lists(POINTS, min_size=10, max_size=40))
def test_worst_names_and_values_are_stored_exactly_or_refused(influxdb: InfluxDB, points: list[Any]) -> None:
    """All accepted points are sent in one request, so that a bad line would spoil its neighbours."""
    lines, expected = [], []
    for number, (text, tags, fields) in enumerate(points):
        # A measurement of its own, told by a number that leaves one end of the text to the end of the name.
        point = ParsedPoint(f"{number}{text}" if number % 2 else f"{text}{number}", tags, fields, number)
        line = line_of(point)
        if line is not None:
            lines.append(line)
            expected.append(replace(point, tags={key: value for key, value in tags.items() if value}))
    bucket = influxdb.new_bucket()
    answer = influxdb.write("\n".join(lines).encode(), bucket)
    assert answer.status == 204, (answer.text, lines)
    assert bits(stored(influxdb, bucket)) ^ bits(records(expected)) == set()


SHORT = ["".join(text) for length in (1, 2, 3) for text in itertools.product('a\\ ,="#', repeat=length)]


@pytest.mark.parametrize("element", ["measurement", "tag key", "tag value", "field key"])
def test_every_short_name_of_special_characters_is_stored_exactly_or_refused(
    influxdb: InfluxDB, bucket: str, element: str
) -> None:
    points = [
        ParsedPoint(
            text if element == "measurement" else f"m{number}",
            {text: "v"} if element == "tag key" else {"k": text if element == "tag value" else f"{number}"},
            {text if element == "field key" else "f": number},
            number,
        )
        for number, text in enumerate(SHORT)
    ]
    lines = [(line, point) for point in points if (line := line_of(point)) is not None]
    assert len(lines) > len(SHORT) / 2
    assert influxdb.write("\n".join(line for line, _ in lines).encode(), bucket).status == 204
    assert stored(influxdb, bucket) ^ records(point for _, point in lines) == set()


@pytest.mark.parametrize(
    "time",
    [
        -9223372036854775806,
        -1,
        0,
        1,
        99_999_999,
        2**53 + 1,
        1_700_000_000_123_456_789,
        9223372036854775805,
        1700000000.1,
        -0.5,
        datetime(2262, 4, 11, 23, 47, 16, 854774, tzinfo=UTC),
        datetime(1677, 9, 22, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_times_are_stored_exactly(influxdb: InfluxDB, bucket: str, time: Any) -> None:
    class Tick(Point, measurement="ticks"):
        value: int = 1

    line = Encoding().encode(Tick(time=time))
    assert influxdb.write(line.encode(), bucket).status == 204
    (found,) = stored(influxdb, bucket)
    if isinstance(time, int):
        assert found.time_ns == time
    elif isinstance(time, float):
        assert found.time_ns / 10**9 == time
    else:
        assert found.time_ns == (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def test_the_last_nanosecond_is_stored_though_flux_cannot_reach_it(influxdb: InfluxDB, bucket: str) -> None:
    assert influxdb.write(b"m f=1i 9223372036854775806", bucket).status == 204
    assert influxdb.write(b"m f=1i 9223372036854775807", bucket).status == 400
    parameters = urlencode({"db": bucket, "q": "select * from m", "epoch": "ns"})
    assert '"values":[[9223372036854775806,1]]' in influxdb.request("GET", f"/query?{parameters}").text


def test_the_longest_accepted_key_and_string_are_stored(influxdb: InfluxDB, bucket: str) -> None:
    class Long(Point, measurement="long"):
        t: Tag[str]
        text: str = ""

    encoding = Encoding()
    longest = 65_535 - len("long,t=") - 4 - len("text")
    points = [
        Long(t="x" * longest, time=1),
        Long(t="é" * (longest // 2), time=2),
        Long(t="a", text='"' * 2**20, time=3),
        Long(t="b", text="é" * 2**19, time=4),
        Long(t="c", fields={" " * ((65_535 - len("long,t=c") - 4) // 2): 1}, time=5),
    ]
    for point in points:
        line = encoding.encode(point).encode()
        assert influxdb.write(line, bucket).status == 204
        assert records(parse(line)) <= stored(influxdb, bucket)
    for point in (
        Long(t="x" * (longest + 1), time=1),
        Long(t="a", text="x" * (2**20 + 1), time=3),
        Long(t="cc", fields={" " * ((65_535 - len("long,t=c") - 4) // 2 + 1): 1}, time=5),
    ):
        with pytest.raises(InvalidPointError):
            encoding.encode(point)


PIECES = [*',= \\"#\n\t\r\0', "1", "-", "i", "u", ".", "e5", "+", "t", "true", "nan", "é", "\ufeff", "\\\\", "\\ "]
PIECES += ["9223372036854775807", "18446744073709551615", "1e400", '"a"', ",t=b", ",_field=a", "time=1"]
LINES = [
    "m,t=a f=1 1",
    'm,a=b,c=d f="x",g=true -5',
    'm f="a b\nc" 1',
    "m\\ x,t\\,=a\\=b f\\ g=1.5e3 1",
    "m f=1u 1",
    "m f=1i,g=-2i",
    'm a="x\\"y",b="\\\\" 9',
    'm,t=é "f"=1 1',
    "m  f=-.5,g=5.  1 ",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A line with a few pieces inserted or removed."""
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(line)))
        end = draw(st.sampled_from([start, start, start + 1]))
        line = line[:start] + draw(st.sampled_from(PIECES)) + line[end:]
    return line


def is_stricter_by_intent(line: str) -> bool:
    """Lines that the server accepts, but stores differently."""
    spoilt = (
        r'="(?:[^"\\]|\\.)*"[^, ]',  # text after a string
        r'^(?:\\.|[^, ])*?\\(?:[="]|\\[ ,])',  # a measurement with a backslash before something special
        r",[^ ]*==",  # a tag value that starts with an equals sign
        r"\\\\[,= ]",  # a field key that swallows the next field
        r" [ \t\0]*[\t\0]=",  # an empty field key
    )
    return any(re.search(pattern, line, re.DOTALL) for pattern in spoilt)


@ON_THE_SERVER
@given(st.lists(mutated(), min_size=20, max_size=40))
@example(["m,t=a\\\nb f=1", ",t==a f=1", ",t\\=a f=1", ' f"="a\nb" 1', " f=1 1\r", ' f\\"="" 1', "#m f=+1"])
def test_the_parser_accepts_what_the_server_accepts(influxdb: InfluxDB, lines: list[str]) -> None:
    """Each line is sent alone, in its own measurement; the server stores what the parser reads."""
    bucket = influxdb.new_bucket()
    expected = set()
    for number, line in enumerate(f"p{number}{line}" for number, line in enumerate(lines)):
        status = influxdb.write(line.encode(), bucket).status
        try:
            points = list(parse(line))
        except LineProtocolError:
            assert status == 400 or is_stricter_by_intent(line), line
            continue
        assert status in {204, 422}, (line, points)
        if status == 204 and len(points) == 1 and points[0].measurement.startswith(f"p{number}"):
            expected |= records(points)
    assert bits(expected) - bits(stored(influxdb, bucket)) == set()


@pytest.mark.parametrize(
    "data",
    [
        b"#m f=x\n \t\0\n\nm f=1 1",
        b"# a comment\\\nm f=x",
        b'm f="\\"" 1\nm f="\\\\" 2\n',
        b"m f=1 1\\\nm f=2 2",
        b"\rm f=1 1",
        b"\r\n",
        b"m,a=1,a=2 f=1",
        b"m,b=1,a=1,b=2 f=1",
        b"m f=x\nm f=1",
    ],
)
def test_whole_requests_are_judged_as_by_the_server(influxdb: InfluxDB, bucket: str, data: bytes) -> None:
    status = influxdb.write(data, bucket).status
    if status == 204:
        assert records(parse(data)) == stored(influxdb, bucket)
    else:
        with pytest.raises(LineProtocolError):
            list(parse(data))
