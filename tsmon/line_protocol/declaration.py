"""What a point class declares: its measurement, and the columns that its annotations describe.

A column is a tag, a field, or both. Types are the four of line protocol: str, int, float, bool; an
``Enum`` with str or int values, a ``Literal`` and a ``NewType`` count as the type of their values.
"""

import enum
import types
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

from tsmon.errors import DeclarationError, InvalidPointError
from tsmon.line_protocol.escaping import check_field_key, check_measurement, check_tag_key

__all__ = ["Column", "Declaration", "Service", "Tag", "TagAndField", "parse_column"]


class Marker:
    """Role of an annotated column; the aliases below use it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


TAG: Final = Marker("Tag")
TAG_AND_FIELD: Final = Marker("TagAndField")
SERVICE: Final = Marker("Service")

T = TypeVar("T")

Tag = Annotated[T, TAG]
"""``route: Tag[str]`` declares a tag; a column without ``Tag`` is a field."""

TagAndField = Annotated[T, TAG_AND_FIELD]
"""``error_code: TagAndField[int]`` declares a tag (written as a string) and a field of the same name."""

Service = Annotated[str | None, SERVICE]
"""The tag that names the service; by default that of the Monitor, else the one set by ``configure()``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One declared tag or field."""

    attribute: str
    key: str
    type: type[str | int | float | bool]
    tag: bool
    field: bool
    optional: bool = False
    service: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """A point class as the encoders see it."""

    class_name: str
    measurement: str
    columns: tuple[Column, ...]
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Check the names; raise :class:`DeclarationError`, which names the class and the column."""
        try:
            check_measurement(self.measurement)
            for column in self.columns:
                if column.tag:
                    check_tag_key(column.key)
                if column.field:
                    check_field_key(column.key)
        except InvalidPointError as error:
            raise DeclarationError(f"{self.class_name}: {error}") from None
        keys = [column.key for column in self.columns]
        for key in keys:
            if keys.count(key) > 1:
                raise DeclarationError(
                    f"{self.class_name} declares {key!r} twice; use TagAndField for a tag that is a field too"
                )
        object.__setattr__(self, "keys", frozenset(keys))

    def with_tags_as_fields(self, keys: Collection[str]) -> "Declaration":
        """Return this declaration with the tags in ``keys`` as fields of their declared type."""
        if not any(column.tag and column.key in keys for column in self.columns):
            return self
        columns = tuple(
            replace(column, tag=False, field=True) if column.key in keys else column for column in self.columns
        )
        return Declaration(self.class_name, self.measurement, columns)


def parse_column(class_name: str, attribute: str, key: str, annotation: Any) -> Column:
    """Return the column of an annotated attribute; raise :class:`DeclarationError` if it has no single type."""
    markers: list[Marker] = []
    found = _find_types(annotation, markers)
    marker = markers[0] if markers else None
    optional = types.NoneType in found
    found.discard(types.NoneType)
    if len(found) != 1 or not found <= {str, int, float, bool}:
        raise DeclarationError(
            f"{class_name}.{attribute} is declared {_describe(annotation)}; "
            "a tag or field has one type: str, int, float or bool (or None, to leave it out)"
        )
    return Column(
        attribute=attribute,
        key=key,
        type=found.pop(),
        tag=marker is not None,
        field=marker is None or marker is TAG_AND_FIELD,
        optional=optional,
        service=marker is SERVICE,
    )


def _find_types(annotation: Any, markers: list[Marker]) -> set[Any]:
    """Return the types that ``annotation`` allows, and append its markers, at any depth."""
    origin = get_origin(annotation)
    if origin is Annotated:
        markers += [extra for extra in annotation.__metadata__ if isinstance(extra, Marker)]
        return _find_types(annotation.__origin__, markers)
    if origin is Union or origin is types.UnionType:
        return set().union(*(_find_types(part, markers) for part in get_args(annotation)))
    if origin is Literal:
        return {type(value) for value in get_args(annotation)}
    if hasattr(annotation, "__supertype__"):
        return _find_types(annotation.__supertype__, markers)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return {type(member.value) for member in annotation}
    return {types.NoneType if annotation is None else annotation}


def _describe(annotation: Any) -> str:
    while get_origin(annotation) is Annotated:
        annotation = annotation.__origin__
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
