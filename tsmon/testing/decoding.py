"""A line back to the point that it was: what a store would give, in the class that was emitted."""

from typing import Any, TypeVar, get_type_hints

import msgspec

from tsmon.line_protocol.declaration import Column
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.points import Point

__all__ = ["decode_point"]

PointT = TypeVar("PointT", bound=Point)


def decode_point(cls: type[PointT], parsed: ParsedPoint) -> PointT:
    """Point of ``cls`` from a parsed line; tags and fields that the class does not declare are additional ones."""
    hints = get_type_hints(cls, include_extras=True)
    tags, fields = dict(parsed.tags), dict(parsed.fields)
    values: dict[str, Any] = {}
    for column in cls.__declaration__.columns:
        tag, field = tags.pop(column.key, None), fields.pop(column.key, None) if _is_field(column, fields) else None
        value = field if field is not None else None if tag is None else _typed(column, tag)
        if value is not None:
            values[column.attribute] = msgspec.convert(value, hints[column.attribute])
        elif column.optional or column.service:
            values[column.attribute] = None
    return cls(**values, time=parsed.time_ns, tags=tags or None, fields=fields or None)


def _is_field(column: Column, fields: dict[str, Any]) -> bool:
    """Whether the value stands among the fields: a declared tag may have been written as one by setting."""
    return column.key in fields and (column.field or isinstance(fields[column.key], column.type))


def _typed(column: Column, text: str) -> str | int | float | bool:
    return text == "true" if column.type is bool else column.type(text)
