"""The fast encoders return the same lines as the checked encoder for every point, cached or not."""

import enum
import math
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tsmon import Point, ServicePoint
from tsmon.errors import InvalidPointError
from tsmon.line_protocol import Encoding, Tag, TagAndField
from tsmon.line_protocol.checked_encoder import MAX_HEADS, CheckedEncoder


class Mood(enum.StrEnum):
    GOOD = "good"
    ODD = 'a "b" \\c'


class Level(enum.IntEnum):
    LOW = 1


class Mixed(ServicePoint, measurement="mixed, up"):
    early: float | None = None
    name: Tag[str]
    number: Tag[int | None] = None
    flag: Tag[bool | None] = None
    both: TagAndField[str | None] = None
    level: TagAndField[Level | None] = None
    text: str | None = msgspec.field(name="it's {odd}, =%s", default=None)
    count: int
    share: float | None = None
    open_: bool = msgspec.field(name="{{open", default=True)


class Optional(Point, measurement="optional"):
    mood: Tag[Mood | None] = None
    a: int | None = None
    b: float | None = None
    c: str | None = None
    d: Literal["x", "y"] | None = None


class Numbers(Point, measurement="numbers"):
    a: float
    b: int


TEXTS = ["", "a", "a b", "é\ufeff", "x,=", "a\\ b", "end\\", "\n", "\0", "\ud800", '"q"', "{v0}"]
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    10**5000,
    1.0,
    -0.0,
    1e16,
    5e-324,
]
ODD += [math.nan, math.inf, -math.inf, [], b"a", *Mood, *Level, *TEXTS]
WORDS = st.sampled_from(TEXTS)
ANYTHING: st.SearchStrategy[Any] = st.sampled_from(ODD) | st.integers() | st.floats() | st.text()
TIMES = st.integers(-(2**63) - 1, 2**63) | st.floats() | st.sampled_from([0, True, "now", 1.5])
EXTRA = st.none() | st.dictionaries(WORDS | st.sampled_from(["zone", "host", "name", "time"]), ANYTHING, max_size=3)


def points(cls: type[Point], **usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Point]:
    """Points whose attributes are mostly of the declared type, and sometimes anything."""
    columns = {name: strategy if name == "time" else strategy | ANYTHING for name, strategy in usual.items()}
    mostly = st.fixed_dictionaries({"time": st.integers(-10, 10)}, optional={"tags": EXTRA, "fields": EXTRA})
    return st.one_of(
        st.builds(lambda own, more: cls(**own, **more), st.fixed_dictionaries(usual), mostly),
        st.builds(
            lambda own, time, tags: cls(**own, time=time, tags=tags), st.fixed_dictionaries(columns), TIMES, EXTRA
        ),
    )


POINTS = (
    points(
        Mixed,
        service=st.sampled_from([None, "", "s", "t"]),
        name=st.text(max_size=5),
        number=st.none() | st.integers(),
        flag=st.sampled_from([None, True, False]),
        both=st.none() | st.text(),
        level=st.sampled_from([None, Level.LOW]),
        text=st.none() | st.text(),
        count=st.integers(-(2**63), 2**63 - 1),
        share=st.none() | st.floats(),
        early=st.none() | st.floats(),
        open_=st.booleans(),
    )
    | points(
        Optional,
        mood=st.sampled_from([None, *Mood]),
        a=st.none() | st.integers(),
        b=st.none() | st.floats(),
        c=st.none() | st.text(),
        d=st.none() | WORDS,
    )
    | points(Numbers, a=st.floats(), b=st.integers())
)
CONTEXTS = st.sampled_from(
    [
        {"service": "own", "tags": {"host": "h 1"}},
        {"service": "own", "tags_as_fields": {"name", "number", "both", "mood"}},
    ]
)


def outcome(encode: Any, point: Point) -> str | None:
    try:
        line = encode(point)
    except InvalidPointError:
        return None
    assert isinstance(line, str)
    line.encode()
    return line


@pytest.mark.parametrize(
    ("cls", "usual"),
    [
        (Mixed, {"service": "s", "name": "n", "number": 1, "both": "b", "text": "t", "count": 1, "share": 0.5}),
        (Optional, {"mood": "m", "a": 1, "b": 0.5, "c": "c", "d": "x"}),
        (Numbers, {"a": 0.5, "b": 1}),
    ],
)
def test_one_odd_value_among_usual_ones_is_written_or_refused_by_both_encoders(
    cls: type[Point], usual: dict[str, Any]
) -> None:
    encoding, reference = Encoding("own"), Encoding("own")
    reference.encoder_for(cls)
    for attribute in [*cls.__struct_fields__]:
        if attribute in {"tags", "fields"}:
            continue
        for value in ODD:
            point = cls(**({"time": 1} | usual | {attribute: value}))
            if point.time is not None:
                expected = outcome(reference.encode_checked, point)
                assert outcome(encoding.encode, point) == expected, (attribute, value)
                assert outcome(encoding.encode, point) == expected, (attribute, value)


@settings(max_examples=200)
@given(st.lists(POINTS, max_size=5), CONTEXTS)
@example([Numbers(a=math.inf, b=1, time=1), Numbers(a=1, b=1, time=1)], {})
def test_both_encoders_give_the_same_line(points: list[Point], context: dict[str, Any]) -> None:
    """Each point is encoded twice by the fast encoder, the second time with its tags in the cache."""
    encoding, reference = Encoding(**context), Encoding(**context)
    for point in points:
        expected = outcome(reference.encode_checked, point)
        assert outcome(encoding.encode, point) == expected
        assert outcome(encoding.encode, point) == expected
    reference.nonfinite *= 2
    assert encoding.nonfinite == reference.nonfinite


def test_ordinary_points_use_the_fast_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CheckedEncoder, "encode", lambda *_: pytest.fail("the checked encoder was used"))
    point = Mixed(name="a", number=1, text='q"', count=1, share=0.5, tags={"x": 1}, time=1)
    assert Encoding("s").encode(point).startswith(r"mixed\,\ up,name=a,number=1,service=s,x=1 count=1i")


def test_values_that_are_equal_keys_of_a_dict_keep_their_own_tags() -> None:
    class Loose(Point, measurement="loose"):
        number: Tag[int]
        f: int = 1

    encoding = Encoding()
    assert encoding.encode(Loose(number=1, tags={"x": 1}, time=1)) == "loose,number=1,x=1 f=1i 1"
    assert encoding.encode(Loose(number=1, tags={"x": True}, time=1)) == "loose,number=1,x=true f=1i 1"
    assert encoding.encode(Loose(number=1, tags={"x": 1.0}, time=1)) == "loose,number=1,x=1.0 f=1i 1"
    with pytest.raises(InvalidPointError):
        encoding.encode(Loose(number=True, tags={"x": 1}))


def test_a_large_string_is_measured_by_the_fast_encoder() -> None:
    encoding = Encoding()
    assert len(encoding.encode(Optional(c="x" * 1_048_576, time=1))) == 1_048_576 + len('optional c="" 1')
    with pytest.raises(InvalidPointError, match="longer than 1048576 bytes"):
        encoding.encode(Optional(c="x" * 1_048_577, time=1))
    with pytest.raises(InvalidPointError, match="longer than 1048576 bytes"):
        encoding.encode(Optional(c="é" * 524_289, time=1))


def test_the_cache_of_tags_is_bounded() -> None:
    encoding = Encoding()
    encode = encoding.encoder_for(Optional)
    heads = encoding._checked_encoders[Optional].tagged_heads
    for number in range(3 * MAX_HEADS):
        encode(Optional(a=1, tags={"id": number}, time=1))
        assert len(heads) <= MAX_HEADS
    encode(Optional(a=1, tags={"id": "x" * 60_000}, time=1))
    assert sum(map(len, heads.values())) < 60_000 + 40 * MAX_HEADS


def test_the_cache_of_declared_tags_is_bounded() -> None:
    class Job(Point, measurement="jobs"):
        kind: Tag[str]
        task_id: Tag[int]
        f: int = 1

    encoding = Encoding()
    encode = encoding.encoder_for(Job)
    heads = encoding._checked_encoders[Job].heads
    for number in range(2 * MAX_HEADS):
        assert encode(Job(kind="a", task_id=number, time=1)) == f"jobs,kind=a,task_id={number} f=1i 1"
        assert sum(map(len, heads.values())) <= MAX_HEADS
