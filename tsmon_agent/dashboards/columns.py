"""Names of measurements, tags and fields, as the point classes declare them."""

from tsmon.errors import DeclarationError
from tsmon.line_protocol import Declaration
from tsmon.points import Point

__all__ = ["field", "label", "measurement", "tag"]


def measurement(point: type[Point]) -> str:
    """Measurement of a class of points."""
    return _declaration(point).measurement


def tag(point: type[Point], attribute: str) -> str:
    """Key of the tag that the class declares as ``attribute``; raises :class:`DeclarationError` without one."""
    return _find_key(point, attribute, "tag")


def field(point: type[Point], attribute: str) -> str:
    """Key of the field that the class declares as ``attribute``; raises :class:`DeclarationError` without one."""
    return _find_key(point, attribute, "field")


def label(point: type[Point], attribute: str) -> str:
    """A placeholder in names of series that Grafana replaces by the value of that tag."""
    return f"${{__field.labels.{tag(point, attribute)}}}"


def _find_key(point: type[Point], attribute: str, role: str) -> str:
    columns = _declaration(point).columns
    for column in columns:
        if column.attribute == attribute and getattr(column, role):
            return column.key
    has = ", ".join(column.attribute for column in columns if getattr(column, role))
    raise DeclarationError(f"{point.__name__} declares no {role} {attribute!r}; it has {has}")


def _declaration(point: type[Point]) -> Declaration:
    declaration: Declaration | None = getattr(point, "__declaration__", None)
    if declaration is None:
        raise DeclarationError(f"{point.__name__} has no measurement; use a class that declares one")
    return declaration
