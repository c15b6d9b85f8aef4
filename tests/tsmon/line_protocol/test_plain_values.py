"""Values of NumPy, pandas and the standard library in tags and fields."""

import enum
import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy
import pandas
import pytest

from tsmon import InvalidPointError, Point, Service, Tag, TagAndField
from tsmon.line_protocol import Encoding, encode


class Sample(Point, measurement="samples"):
    f: float | None = None
    i: int | None = None
    b: bool | None = None
    s: str | None = None
    n: int = 1


class Tagged(Point, measurement="tagged"):
    s: Tag[str | None] = None
    i: Tag[int | None] = None
    b: Tag[bool | None] = None
    f: Tag[float | None] = None
    n: int = 1


class Required(Point, measurement="required"):
    t: Tag[str]
    a: float
    b: int


class Coded(Point, measurement="coded"):
    code: TagAndField[int]


class Served(Point, measurement="served"):
    service: Service = None
    n: int = 1


class Nothing(enum.Enum):
    IS_KNOWN = None


MISSING = [
    pandas.NA,
    pandas.NaT,
    numpy.datetime64("NaT", "ns"),
    numpy.timedelta64("NaT", "ns"),
    numpy.ma.masked,
    math.nan,
    numpy.float64("nan"),
    numpy.float32("nan"),
    numpy.array(math.nan),
    Decimal("NaN"),
    Decimal("sNaN"),
    numpy.ma.array(0.5, mask=True),
    numpy.array(pandas.NA, dtype=object),
    numpy.array(None, dtype=object),
    Nothing.IS_KNOWN,
]
TWINS = [
    (numpy.int8(7), 7),
    (numpy.uint16(7), 7),
    (numpy.int64(-7), -7),
    (numpy.float32(0.5), 0.5),
    (numpy.float64(0.1), 0.1),
    (numpy.float16(0.25), 0.25),
    (numpy.longdouble(0.5), 0.5),
    (numpy.bool_(True), True),
    (numpy.bool_(False), False),
    (numpy.str_("a b"), "a b"),
    (numpy.array(7), 7),
    (numpy.array(0.5), 0.5),
    (numpy.array(True), True),
    (numpy.array("a b"), "a b"),
    (numpy.ma.array(0.5), 0.5),
    (numpy.array("a b", dtype=object), "a b"),
    (numpy.array(Decimal("0.5"), dtype=object), 0.5),
    (Decimal("0.5"), 0.5),
    (Decimal("-0.1"), -0.1),
    (pandas.Series([7])[0], 7),
    (pandas.array([7, None], dtype="Int64")[0], 7),
]
DECLARED = {float: "f", int: "i", bool: "b", str: "s"}


@pytest.mark.parametrize("column", ["f", "i", "b", "s"])
@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_is_left_out_and_counted(value: Any, column: str) -> None:
    encoding = Encoding()
    assert encoding.encode(Sample(time=1, **{column: value})) == "samples n=1i 1"
    assert encoding.encode(Sample(time=1, fields={"more": value})) == "samples n=1i 1"
    assert encoding.nonfinite == 2


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing_is_left_out_of_columns_that_are_not_optional_too(value: Any) -> None:
    assert encode(Required(t="x", a=value, b=2, time=1)) == b"required,t=x b=2i 1"
    assert encode(Required(t="x", a=1, b=value, time=1)) == b"required,t=x a=1.0 1"
    with pytest.raises(InvalidPointError, match=r"^Required cannot be stored, for every field is NaN or infinite"):
        encode(Required(t="x", a=value, b=value, time=1))


@pytest.mark.parametrize("value", MISSING[:5], ids=repr)
def test_missing_tags_are_left_out_as_none_is(value: Any) -> None:
    for column in DECLARED.values():
        for _ in range(2):
            assert encode(Tagged(time=1, **{column: value})) == b"tagged n=1i 1"
    assert encode(Sample(time=1, tags={"t": value})) == b"samples n=1i 1"
    assert Encoding("shop").encode(Served(service=value, time=1)) == "served,service=shop n=1i 1"
    with pytest.raises(InvalidPointError, match=r"^Required\.t is missing, but the tag is not optional$"):
        encode(Required(t=value, a=1, b=2))
    with pytest.raises(InvalidPointError, match=r"^Coded\.code is missing, but the tag is not optional$"):
        encode(Coded(code=value))


@pytest.mark.parametrize(("value", "twin"), TWINS, ids=repr)
def test_values_are_their_python_twins(value: Any, twin: Any) -> None:
    column = DECLARED[type(twin)]
    for given in ({column: "?"}, {"fields": {"x": "?"}}, {"tags": {"x": "?"}}):
        [(key, inner)] = given.items()
        as_given, as_twin = ({key: {"x": one} if isinstance(inner, dict) else one} for one in (value, twin))
        assert encode(Sample(time=1, **as_given)) == encode(Sample(time=1, **as_twin))
    for _ in range(2):
        assert encode(Tagged(time=1, **{column: value})) == encode(Tagged(time=1, **{column: twin}))
    assert Encoding(tags={"x": value}).encode(Sample(time=1)) == Encoding(tags={"x": twin}).encode(Sample(time=1))


def test_decimals_are_numbers() -> None:
    assert encode(Sample(f=Decimal(3), time=1)) == b"samples n=1i,f=3.0 1"
    assert encode(Sample(time=1, fields={"x": Decimal("1.10")})) == b"samples n=1i,x=1.1 1"
    assert encode(Sample(time=1, tags={"id": Decimal(12345678901234567890)})) == (
        b"samples,id=12345678901234567890 n=1i 1"
    )
    assert encode(Sample(f=Decimal("Infinity"), time=1)) == b"samples n=1i 1"
    with pytest.raises(InvalidPointError, match=r"^Sample\.f is too large for a float$"):
        encode(Sample(f=Decimal("1e999")))  # type: ignore[arg-type]
    with pytest.raises(InvalidPointError, match=r"^tag 'id' of Sample is .*; a tag needs a finite number$"):
        encode(Sample(tags={"id": Decimal("Infinity")}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "value",
    [
        numpy.array([1, 2]),
        numpy.datetime64("2023-11-14"),
        numpy.timedelta64(3, "s"),
        numpy.timedelta64(2**63 - 1, "D"),
        numpy.complex128(1),
        numpy.bytes_(b"a"),
        numpy.array([1, 2], dtype=object),
        numpy.ma.array((1, 2.0), dtype=[("a", int), ("b", float)]),
        numpy.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)])[0],
        numpy.dtype("f8"),
        numpy.sin,
        numpy.random.default_rng(1),
        numpy.nditer([1]),
        pandas.Timestamp("2023-11-14", tz="UTC"),
        pandas.Timedelta(1),
        pandas.Series([1]),
    ],
    ids=repr,
)
def test_what_has_no_twin_is_refused_with_one_error_type(value: Any) -> None:
    for column in DECLARED.values():
        with pytest.raises(InvalidPointError, match=rf"^Sample\.{column} must be "):
            encode(Sample(**{column: value}))
        with pytest.raises(InvalidPointError, match=rf"^Tagged\.{column} must be "):
            encode(Tagged(**{column: value}))
    for given in ("tags", "fields"):
        with pytest.raises(InvalidPointError, match=r"'x' of Sample must be str, int, float or bool, not "):
            encode(Sample(**{given: {"x": value}}))
    with pytest.raises(InvalidPointError, match=r"^Served\.service must be str, not "):
        encode(Served(service=value))


def test_neither_numpy_nor_pandas_is_imported() -> None:
    code = (
        "import sys, decimal; from tsmon import Point; from tsmon.line_protocol import encode\n"
        "class S(Point, measurement='s'):\n    f: float\n"
        "encode(S(f=decimal.Decimal(1), tags={'a': decimal.Decimal(2)}))\n"
        "assert not {'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
