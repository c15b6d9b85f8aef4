"""From a request to a point of a class that may declare more columns than the recorder knows.

An added column takes its value from the request's additional data (:func:`tsmon.work.current_work`), else from a
function (:data:`Fill`), else from its default.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from tsmon.errors import DeclarationError
from tsmon.integrations.field_kinds import FieldKinds
from tsmon.integrations.fitted_points import fit_columns, make_fitted_point
from tsmon.integrations.open_request import OpenRequest
from tsmon.points import Point

__all__ = ["Fill", "PointBuilder", "check_class", "check_fill"]

PointT = TypeVar("PointT", bound=Point)

Fill: TypeAlias = Mapping[str, Callable[[Any], str | int | float | bool | None]]
"""By attribute of an added column, the function that returns its value from the framework's request."""


class PointBuilder(Generic[PointT]):
    """Builds points of one class from requests.

    ``base`` is the class of tsmon that ``cls`` extends, ``option`` the name of the argument that gave ``cls``,
    ``recorded`` the attributes that the recorder itself has values for, ``kinds`` the types of undeclared fields.
    """

    def __init__(
        self,
        cls: type[PointT],
        base: type[PointT],
        option: str,
        recorded: Collection[str],
        fill: Fill,
        kinds: FieldKinds,
    ) -> None:
        self.cls = cls
        self.base = base
        self._kinds = kinds
        self.added = check_class(cls, base, option, recorded, fill)
        """Keys of the added columns, by attribute."""
        self.filled = {attribute: key for attribute, key in self.added.items() if attribute in fill}
        """Those of them that ``fill`` has functions for."""

    def build(self, request: OpenRequest, values: dict[str, Any]) -> PointT:
        """Build the point of ``request`` from ``values``, its additional data and its filled columns."""
        if self.filled:
            found = request.column_values
            gathered = {*(request._tags or ()), *(request._fields or ())}  # noqa: SLF001
            values |= fit_columns(
                self.cls, {a: found[a] for a, key in self.filled.items() if a in found and key not in gathered}
            )
        return make_fitted_point(self.cls, request, values, self._kinds)


def check_class(
    cls: type[Point], base: type[Point], option: str, recorded: Collection[str], fill: Fill | None = None
) -> dict[str, str]:
    """Return the added columns of ``cls``, keys by attribute.

    Raises :class:`~tsmon.errors.DeclarationError` if points of ``cls`` could not be recorded: it does not extend
    ``base``, or a column has neither a value of the recorder, nor a function, nor a default. ``fill`` is None where
    there are no functions.
    """
    if not issubclass(cls, base):
        raise DeclarationError(f"{option} is {cls.__name__}; give a class derived from tsmon.{base.__name__}")
    with_default = {field.name for field in msgspec.structs.fields(cls) if not field.required}
    added = {c.attribute: c.key for c in cls.__declaration__.columns if c.attribute not in recorded}
    for attribute in added:
        if attribute not in with_default and attribute not in (fill or ()):
            function = "" if fill is None else f", or a function in fill={{{attribute!r}: …}}"
            raise DeclarationError(
                f"{cls.__name__}.{attribute} has no value when requests are recorded; give it a default{function}"
            )
    return added


def check_fill(fill: Fill, *builders: PointBuilder[Any]) -> None:
    """Raise :class:`~tsmon.errors.DeclarationError` if ``fill`` names what no class adds."""
    for attribute in fill:
        if not any(attribute in builder.added for builder in builders):
            names = " or ".join(builder.cls.__name__ for builder in builders)
            raise DeclarationError(
                f"fill names {attribute!r}, which is no added column of {names}; declare it there"
            )
