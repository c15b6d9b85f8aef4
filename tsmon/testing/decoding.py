"""Lines back to points, of the class that was emitted, with the values that a store would return."""

from typing import Any, TypeVar, get_type_hints

import msgspec

from tsmon.line_protocol.declaration import Column
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.points import Point

__all__ = ["decode_point"]

PointT = TypeVar("PointT", bound=Point)


def decode_point(cls: type[PointT], parsed: ParsedPoint) -> PointT:
    """Make a point of ``cls`` from a parsed line; undeclared tags and fields become additional ones."""
    tags, fields = dict(parsed.tags), dict(parsed.fields)
    if not hasattr(cls, "__declaration__"):
        return cls(time=parsed.time_ns, tags=tags or None, fields=fields or None)
    hints = get_type_hints(cls, include_extras=True)
    values: dict[str, Any] = {}
    for column in cls.__declaration__.columns:
        tag, field = tags.pop(column.key, None), fields.pop(column.key, None) if _is_field(column, fields) else None
        value = field if field is not None else None if tag is None else _convert_tag(column, tag)
        if value is not None:
            values[column.attribute] = msgspec.convert(value, hints[column.attribute])
        else:
            # Left out, also where the class has a default, because a value was missing, NaN or an empty tag.
            values[column.attribute] = None
    return cls(**values, time=parsed.time_ns, tags=tags or None, fields=fields or None)


def _is_field(column: Column, fields: dict[str, Any]) -> bool:
    """Whether the value is a field of the line; the settings may write a declared tag as a field."""
    return column.key in fields and (column.field or isinstance(fields[column.key], column.type))


def _convert_tag(column: Column, text: str) -> str | int | float | bool:
    return text == "true" if column.type is bool else column.type(text)
