import enum
from typing import Annotated, Any, Literal, NewType

import pytest

from tsmon.errors import DeclarationError
from tsmon.line_protocol import Column, Declaration, Service, Tag, TagAndField
from tsmon.line_protocol.declaration import parse_column

UserId = NewType("UserId", int)
InsideOptional = Tag[bool | None]
Tagged = Tag[Literal["a", "b"]]
OutsideOptional = Tag[str] | None
Documented = Annotated[Tag[int], "documentation"]


class Letter(enum.Enum):
    A = "a"
    B = "b"


class Empty(enum.Enum):
    pass


class Both(enum.Enum):
    A = "a"
    ONE = 1


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": str, "field": True}),
        (int | None, {"type": int, "field": True, "optional": True}),
        (Tag[float], {"type": float, "tag": True}),
        (InsideOptional, {"type": bool, "tag": True, "optional": True}),
        (OutsideOptional, {"type": str, "tag": True, "optional": True}),
        (TagAndField[int], {"type": int, "tag": True, "field": True}),
        (Service, {"type": str, "tag": True, "optional": True, "service": True}),
        (Letter, {"type": str, "field": True}),
        (Tagged, {"type": str, "tag": True}),
        (UserId, {"type": int, "field": True}),
        (Documented, {"type": int, "tag": True}),
    ],
)
def test_an_annotation_determines_role_and_type(annotation: Any, expected: dict[str, Any]) -> None:
    defaults = {"tag": False, "field": False, "optional": False, "service": False}
    assert parse_column("C", "a", "k", annotation) == Column("a", "k", **(defaults | expected))


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (int | float, "int | float"),
        (list[int], "list[int]"),
        (None, "None"),
        (Any, "Any"),
        (bytes, "bytes"),
        (Both, "Both"),
        (Empty, "Empty"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Tag[dict[str, int]], "dict[str, int]"),
    ],
)
def test_an_annotation_without_a_single_type_is_refused(annotation: Any, shown: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_column("C", "a", "k", annotation)
    assert str(caught.value) == (
        f"C.a is declared {shown}; a tag or field has one type: str, int, float or bool (or None, to leave it out)"
    )


def column(key: str, **roles: bool) -> Column:
    return Column(key, key, str, **({"tag": False, "field": False} | roles))


@pytest.mark.parametrize(
    ("measurement", "columns", "sentence"),
    [
        ("#m", (), "C: measurement '#m' starts with '#', which makes the line a comment; choose another name"),
        ("m", (column("_t", tag=True),), "C: tag key '_t' is reserved by InfluxDB; choose another name"),
        ("m", (column("time", field=True),), "C: field key 'time' is reserved by InfluxDB; choose another name"),
        (
            "m",
            (column("a", tag=True), column("a", field=True)),
            "C declares 'a' twice; use TagAndField for a tag that is a field too",
        ),
    ],
)
def test_names_that_cannot_be_stored_are_refused(
    measurement: str, columns: tuple[Column, ...], sentence: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        Declaration("C", measurement, columns)
    assert str(caught.value) == sentence


def test_tags_as_fields_become_fields_of_their_type() -> None:
    declaration = Declaration(
        "C", "m", (column("a", tag=True), column("b", tag=True, field=True), column("c", tag=True))
    )
    with_tags_as_fields = declaration.with_tags_as_fields({"a", "b", "absent"})
    assert [(c.tag, c.field) for c in with_tags_as_fields.columns] == [(False, True), (False, True), (True, False)]
    assert with_tags_as_fields.keys == {"a", "b", "c"}
    assert declaration.with_tags_as_fields({"absent"}) is declaration
