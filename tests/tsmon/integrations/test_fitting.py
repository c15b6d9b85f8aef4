"""Values of any kind become values that are stored; checked by the encoder itself."""

import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon import Point
from tsmon.integrations.field_kinds import FieldKinds
from tsmon.integrations.fitting import MAX_KEY, MAX_TAG, Plain, fit_declared, fit_key, fit_tag, fit_value, to_text
from tsmon.line_protocol import encode, parse_line


class Measured(Point, measurement="measured"):
    ok: int = 1


class Mute:
    """It has no text of its own."""


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Colour(enum.Enum):
    RED = "red"


class Number(int):
    pass


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (17, 17),
        (Number(17), 17),
        (Text("a"), "a"),
        (True, True),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.int64(5), 5),
        (decimal.Decimal("0.5"), 0.5),
        (fractions.Fraction(1, 2), 0.5),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (-(2**70), str(-(2**70))),
        (decimal.Decimal("1e400"), "1E+400"),
        (10**5000, "<int that cannot be printed>"),
        (Colour.RED, "red"),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (Mute(), None),
        (Broken(), "<Broken that cannot be printed>"),
        (1 + 2j, "(1+2j)"),
        (b"caf\xe9", "caf\\xe9"),
        (pathlib.PurePosixPath("/a/\udce9"), "/a/?"),
        ("lone \ud800", "lone ?"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC), "2024-05-01T12:00:00+00:00"),
        ({"a": [1, {"b": (2,)}]}, "{'a': [1, {'b': (2,)}]}"),
        (ValueError("no"), "no"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_converted(value: object, expected: Plain | None) -> None:
    fitted = fit_value(value)
    assert (fitted, type(fitted)) == (expected, type(expected))
    if fitted is not None:
        assert parse_line(encode(Measured(fields={"x": fitted})).decode()).fields["x"] == expected


def test_a_text_beyond_a_mebibyte_is_cut_with_a_mark() -> None:
    for text in ("x" * 2**21, "é" * 2**20, "🦊" * 2**19):
        fitted = to_text(text)
        assert 2**20 - 6 <= len(fitted.encode()) <= 2**20
        assert fitted[-1] == "…"
        assert text.startswith(fitted[:-1])
        encode(Measured(fields={"x": fitted}))
    whole = "x" * 2**20
    assert to_text(whole) == whole
    assert len(to_text(list(range(10**6)))) < 10_000


def test_a_structure_of_what_cannot_be_printed_or_contains_itself_is_a_text_too() -> None:
    assert to_text([Broken()]).startswith("[<Broken instance at 0x")
    own: list[Any] = [1]
    own.append(own)
    assert to_text(own).startswith("[1, [1, [")


@given(st.text())
def test_any_text_is_a_tag_and_a_key(text: str) -> None:
    value, key = fit_tag(text), fit_key(text)
    point = parse_line(encode(Measured(tags={key: value}, fields={f"{key}x": 1})).decode())
    assert point.tags == ({key: value} if value else {})
    assert len(value) <= MAX_TAG
    assert 0 < len(key) <= MAX_KEY


@pytest.mark.parametrize(
    ("key", "expected"),
    [("time", "time_"), ("_x", "x"), ("", "none_"), ("a\nb", "a_b"), (5, "5"), (None, "None"), ("a\\", "a_")],
)
def test_a_key_that_is_refused_gets_another_name(key: object, expected: str) -> None:
    assert fit_key(key) == expected


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        (5, float, 5.0),
        (5.0, int, 5),
        (5.5, int, None),
        ("5", int, None),
        (True, int, None),
        (1, bool, None),
        (5, str, "5"),
        (2**53 + 1, float, None),
        (math.inf, int, None),
        (np.float64(5), int, 5),
        (decimal.Decimal(5), int, 5),
    ],
)
def test_a_declared_type_is_kept_without_loss(value: object, declared: type, expected: Plain | None) -> None:
    fitted = fit_declared(value, declared)
    assert (fitted, type(fitted)) == (expected, type(expected))


def add_all(*values: object, kinds: FieldKinds | None = None) -> list[dict[str, Plain]]:
    kinds = kinds or FieldKinds()
    found = []
    for value in values:
        fields: dict[str, Plain] = {}
        kinds.add(fields, "x", value)
        found.append(fields)
    return found


def test_a_value_of_another_type_is_converted_or_gets_a_name_of_its_own() -> None:
    assert add_all(1, 2.0, 2.5, "a", True) == [
        {"x": 1},
        {"x": 2},
        {"x_float": 2.5},
        {"x_str": "a"},
        {"x_bool": True},
    ]
    assert add_all("a", 1, 2.5, False) == [{"x": "a"}, {"x": "1"}, {"x": "2.5"}, {"x": "False"}]
    assert add_all(0.5, 1, 2**62, "a") == [{"x": 0.5}, {"x": 1.0}, {"x_int": 2**62}, {"x_str": "a"}]
    assert add_all(True, 1) == [{"x": True}, {"x_int": 1}]


def test_a_declared_type_wins_over_the_first_value() -> None:
    kinds = FieldKinds()
    kinds.declare("x", int)
    assert add_all("a", 1, kinds=kinds) == [{"x_str": "a"}, {"x": 1}]


def test_names_that_are_taken_are_avoided() -> None:
    kinds, fields = FieldKinds(), dict[str, Plain]()
    assert kinds.add(fields, "x_str", 5)
    assert kinds.add(fields, "x", 1)
    assert not kinds.add(fields, "x\n", 2)
    assert not kinds.add(fields, "tag", 3, {"tag"})
    assert not kinds.add(fields, "x", "a")
    assert fields == {"x_str": 5, "x": 1, "x_": 2, "tag_field": 3, "x_str_str": "a"}


def test_what_is_stored_as_it_is_counts_as_unchanged() -> None:
    kinds = FieldKinds()
    assert [kinds.add({}, "x", value) for value in (1, 2, None, 2.0, Mute())] == [True, True, True, False, False]
