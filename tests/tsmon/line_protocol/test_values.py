import enum
import importlib.util
import math
import numbers
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.times import MAX_TIME_NS, to_time_ns
from tsmon.line_protocol.values import NONFINITE, format_field, format_tag, infer_field_type


class Color(str, enum.Enum):  # noqa: UP042 - the kind whose str() is "Color.RED"
    RED = "red"


class Code(enum.IntEnum):
    OK = 200


class Nowhere(tzinfo):
    """A time zone that knows no offset."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        if self._error is not None:
            raise self._error
        return None


class Text(str):
    """A subclass of str with another ``__str__``, as templating libraries have."""

    def __str__(self) -> str:
        return "wrong"

    __repr__ = __format__ = __str__  # type: ignore[assignment]


@numbers.Integral.register
class ForeignInt:
    """An integer that is not an int, like those of numpy."""

    def __int__(self) -> int:
        return 7


@numbers.Real.register
class ForeignFloat:
    """A real number that is not a float, like numpy's float32."""

    def __float__(self) -> float:
        return 0.5


class Nameless:
    """An object whose ``__repr__`` fails."""

    def __repr__(self) -> str:
        raise RuntimeError


FOREIGN: list[tuple[Any, type, str]] = [(ForeignInt(), int, "7i"), (ForeignFloat(), float, "0.5")]
if importlib.util.find_spec("numpy"):
    import numpy  # type: ignore[import-not-found, unused-ignore]

    FOREIGN += [
        (numpy.int64(7), int, "7i"),
        (numpy.uint8(7), int, "7i"),
        (numpy.float32(0.5), float, "0.5"),
        (numpy.float64(0.5), float, "0.5"),
        (numpy.bool_(True), bool, "true"),
        (numpy.str_("a"), str, '"a"'),
    ]


@pytest.mark.parametrize(
    ("value", "declared", "text"),
    [
        ("a", str, '"a"'),
        ('a"b\\c\nd\0', str, '"a\\"b\\\\c\nd\0"'),
        ("", str, '""'),
        (Text("a"), str, '"a"'),
        (Color.RED, str, '"red"'),
        (5, int, "5i"),
        (-(2**63), int, "-9223372036854775808i"),
        (2**63 - 1, int, "9223372036854775807i"),
        (Code.OK, int, "200i"),
        (1.5, float, "1.5"),
        (3, float, "3.0"),
        (-0.0, float, "-0.0"),
        (Fraction(1, 4), float, "0.25"),
        (math.nan, float, NONFINITE),
        (-math.inf, float, NONFINITE),
        (True, bool, "true"),
        (False, bool, "false"),
        *FOREIGN,
    ],
)
def test_field_values_are_written_as_declared(value: object, declared: type, text: str) -> None:
    assert format_field("f", value, declared) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float) -> None:
    read = float(format_field("f", value, float))
    assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))


@pytest.mark.parametrize(
    ("value", "declared", "sentence"),
    [
        (1, str, "f must be str, not int (1)"),
        (b"a", str, "f must be str, not bytes (b'a')"),
        ("\ud800", str, "f '\\ud800' has a lone surrogate, which UTF-8 cannot encode"),
        ("é" * 524_289, str, "f is longer than 1048576 bytes, the server's limit; shorten it"),
        ("1", int, "f must be int, not str ('1')"),
        (1.0, int, "f must be int, not float (1.0)"),
        (True, int, "f must be int, not bool (True)"),
        (2**63, int, "f is 9223372036854775808, outside of 64-bit integers; declare it float or str"),
        ("1.5", float, "f must be float, not str ('1.5')"),
        (True, float, "f must be float, not bool (True)"),
        (10**400, float, "f is too large for a float"),
        (Decimal(1), int, "f must be int, not Decimal (Decimal('1'))"),
        pytest.param(
            10**5000, int, "f is …, outside of 64-bit integers; declare it float or str", id="thousands of digits"
        ),
        (Nameless(), str, "f must be str, not Nameless (…)"),
        (1, bool, "f must be bool, not int (1)"),
        (
            [1] * 100,
            float,
            "f must be float, not list ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,…)",
        ),
    ],
)
def test_wrong_field_values_are_refused_with_a_reason(value: object, declared: type, sentence: str) -> None:
    with pytest.raises(InvalidPointError) as caught:
        format_field("f", value, declared)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("value", "type_"),
    [("a", str), (Color.RED, str), (1, int), (Code.OK, int), (1.0, float), (True, bool), (ForeignInt(), int)],
)
def test_additional_fields_have_the_type_of_their_value(value: object, type_: type) -> None:
    assert infer_field_type("f", value) is type_


def test_an_additional_field_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidPointError, match=r"^f must be str, int, float or bool, not datetime "):
        infer_field_type("f", datetime.now(UTC))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        (Text("a"), "a"),
        (Color.RED, "red"),
        (Code.OK, "200"),
        (5, "5"),
        (0.1, "0.1"),
        (True, "true"),
        (None, ""),
        (ForeignInt(), "7"),
        (ForeignFloat(), "0.5"),
    ],
)
def test_tags_are_written_as_strings(value: object, text: str) -> None:
    assert format_tag("t", value) == text


def test_wrong_tag_values_are_refused_with_a_reason() -> None:
    with pytest.raises(InvalidPointError, match=r"^t is nan; a tag needs a finite number$"):
        format_tag("t", math.nan)
    with pytest.raises(InvalidPointError, match=r"^t is inf; a tag needs a finite number$"):
        format_tag("t", Fraction(10**400, 3))
    with pytest.raises(InvalidPointError, match=r"^t must be str, int, float or bool, not list \(\[\]\)$"):
        format_tag("t", [])
    with pytest.raises(InvalidPointError, match=r"^t must be int, not str \('5'\)$"):
        format_tag("t", "5", int)
    with pytest.raises(InvalidPointError, match=r"^t is an integer of thousands of digits; shorten it$"):
        format_tag("t", 10**5000)


@pytest.mark.parametrize(
    ("time", "time_ns"),
    [
        (0, 0),
        (1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (-1, -1),
        (MAX_TIME_NS, MAX_TIME_NS),
        (-MAX_TIME_NS, -MAX_TIME_NS),
        (1.5, 1_500_000_000),
        (-0.25, -250_000_000),
        (1700000000.123456, 1_700_000_000_123_456_001),
        (datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 1_577_836_800_000_001_000),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1_000),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (ForeignInt(), 7),
        (ForeignFloat(), 500_000_000),
    ],
)
def test_times_are_kept_exactly(time: object, time_ns: int) -> None:
    assert to_time_ns(time) == time_ns


@given(st.floats(min_value=-9e9, max_value=9e9))
def test_a_float_time_is_its_exact_value_to_the_nearest_nanosecond(seconds: float) -> None:
    assert abs(Fraction(seconds) * 10**9 - to_time_ns(seconds)) <= Fraction(1, 2)


@given(
    st.datetimes(
        min_value=datetime(1678, 1, 1),  # noqa: DTZ001
        max_value=datetime(2262, 1, 1),  # noqa: DTZ001
        timezones=st.timezones(),
    )
)
def test_a_datetime_is_exact_to_the_microsecond(time: datetime) -> None:
    expected = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
    assert to_time_ns(time) == expected


@pytest.mark.parametrize(
    ("time", "sentence"),
    [
        (
            datetime(2020, 1, 1),  # noqa: DTZ001
            "time 2020-01-01T00:00:00 has no time zone; give one, such as tzinfo=datetime.UTC",
        ),
        (
            datetime(2020, 1, 1, tzinfo=Nowhere(None)),
            (
                "time has a time zone of type Nowhere without an offset (can't subtract offset-naive and "
                "offset-aware datetimes); give another, such as datetime.UTC"
            ),
        ),
        (
            datetime(2020, 1, 1, tzinfo=Nowhere(KeyError("x"))),
            "time has a time zone of type Nowhere without an offset ('x'); give another, such as datetime.UTC",
        ),
        (Fraction(10**400, 3), "time is inf; give a finite number of seconds"),
        (True, "time is True; give integer nanoseconds, float seconds or a datetime"),
        ("now", "time is of type str; give integer nanoseconds, float seconds or a datetime"),
        (math.nan, "time is nan; give a finite number of seconds"),
        (math.inf, "time is inf; give a finite number of seconds"),
        (
            MAX_TIME_NS + 1,
            "time 9223372036854775807 ns is outside of ±9223372036854775806 ns, about the years 1677 to 2262",
        ),
        (
            1e300,
            f"time {str(int(1e300))[:57]}… ns is outside of ±9223372036854775806 ns, about the years 1677 to 2262",
        ),
    ],
)
def test_invalid_times_are_refused(time: object, sentence: str) -> None:
    with pytest.raises(InvalidPointError) as caught:
        to_time_ns(time)
    assert str(caught.value) == sentence
