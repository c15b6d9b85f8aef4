"""Points with additional data of any kind: what cannot be stored as it is, is fitted or left out."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from tsmon.integrations.field_kinds import FieldKinds
from tsmon.integrations.fitting import Plain, fit_declared, fit_key, fit_tag
from tsmon.line_protocol.declaration import Column
from tsmon.points import Point
from tsmon.work.work_data import WorkData

__all__ = ["fit_columns", "make_fitted_point"]

PointT = TypeVar("PointT", bound=Point)


def make_fitted_point(cls: type[PointT], work: WorkData, values: Mapping[str, Any], kinds: FieldKinds) -> PointT:
    """Make a point of ``cls`` as :meth:`~tsmon.work.WorkData.make_point` does, but from values of any kind."""
    given_tags, given_fields = work._tags, work._fields  # noqa: SLF001
    if not given_tags and not given_fields:
        return cls(**values)
    columns = _columns_of(cls)
    declared: dict[str, Any] = {}
    tags: dict[str, str] = {}
    fields: dict[str, Plain] = {}
    for key, value in dict(given_tags or {}).items():
        if (column := columns.get(key)) is not None:
            _fit_into(declared, column, value)
        elif (name := fit_key(key)) not in columns and value is not None:
            tags[name] = fit_tag(value)
    for key, value in dict(given_fields or {}).items():
        if (column := columns.get(key)) is not None:
            _fit_into(declared, column, value)
        else:
            kinds.add(fields, key, value, (*columns, *tags))
    return cls(**{**declared, **values, "tags": tags or None, "fields": fields or None})


def fit_columns(cls: type[Point], values: Mapping[str, Any]) -> dict[str, Plain]:
    """Return the values of columns, by attribute, without those that cannot be converted to the declared type."""
    fitted: dict[str, Plain] = {}
    for column in _columns_of(cls).values():
        if column.attribute in values:
            _fit_into(fitted, column, values[column.attribute])
    return fitted


def _fit_into(fitted: dict[str, Any], column: Column, value: object) -> None:
    found = fit_declared(value, column.type, tag=column.tag)
    if found is not None:
        fitted[column.attribute] = found


@lru_cache(maxsize=256)
def _columns_of(cls: type[Point]) -> dict[str, Column]:
    return {column.key: column for column in cls.__declaration__.columns}
