"""Point, the base of every typed series."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform, get_type_hints

import msgspec

from tsmon.errors import DeclarationError
from tsmon.line_protocol import Declaration, EncoderFactory, Service, compile_encoder
from tsmon.line_protocol.declaration import parse_column
from tsmon.line_protocol.plain_values import NumPyScalar

__all__ = ["FieldMapping", "Point", "ServicePoint", "TagMapping", "Time", "Value"]

Time = datetime | float | int | Decimal | NumPyScalar
"""Event time: an aware datetime, a ``datetime64``, seconds as float or Decimal, or integer nanoseconds."""

Value = str | int | float | bool | Decimal | Enum | NumPyScalar | None
"""Value of an additional tag or field."""

TagMapping = Mapping[str, Value]
FieldMapping = Mapping[str, Value]

_OWN = frozenset({"time", "tags", "fields"})


class _PointMeta(msgspec.StructMeta):
    """Reads the declaration of a point class and compiles its encoder when the class is created."""

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        measurement: str | None = None,
        **options: Any,
    ) -> Any:
        options = {"kw_only": True, "frozen": True, "gc": False, **options}
        clash = _OWN & set(namespace.get("__annotations__", ()))
        if clash and name != "Point":
            raise DeclarationError(
                f"{name} declares {min(clash)!r}, which every point has; "
                "name the attribute otherwise and give the key by msgspec.field(name=…)"
            )
        try:
            cls = super().__new__(mcls, name, bases, namespace, **options)
        except (TypeError, ValueError) as error:
            raise DeclarationError(f"{name} cannot be a point class: {error}") from error
        inherited = getattr(cls, "__declaration__", None)
        if measurement is None and inherited is not None:
            measurement = inherited.measurement
        if measurement is not None:
            declaration = _declare(cls, measurement)
            setattr(cls, "__declaration__", declaration)  # noqa: B010
            setattr(cls, "__encoder_factory__", compile_encoder(declaration))  # noqa: B010
        return cls

    def __init__(cls, *class_arguments: Any, **_: Any) -> None:  # noqa: N805
        super().__init__(*class_arguments)


def _declare(cls: Any, measurement: str) -> Declaration:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise DeclarationError(
            f"the annotations of {cls.__name__} in {cls.__module__} "
            f"cannot be evaluated ({error}); import their names where the class is defined"
        ) from error
    columns = [
        parse_column(cls.__name__, attribute, key, hints[attribute])
        for attribute, key in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
        if attribute not in _OWN
    ]
    return Declaration(cls.__name__, measurement, tuple(columns))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class Point(msgspec.Struct, metaclass=_PointMeta, frozen=True, kw_only=True):
    """One point of a series; immutable, created with keyword arguments.

    To declare your own series, derive a class with a measurement::

        class Exposure(Point, measurement="exposures"):
            detector: Tag[str]
            duration: float  # seconds

    Attributes without ``Tag`` are fields. ``None`` leaves a tag or field out if its type allows None. Values are
    checked when the point is emitted or encoded; those of NumPy and pandas count as their Python twins. The class
    may have methods and class variables.
    """

    __declaration__: ClassVar[Declaration]
    __encoder_factory__: ClassVar[EncoderFactory | None]

    time: Time | None = None
    """When it happened: aware datetime, float seconds or integer nanoseconds since the epoch (UTC). A given time is
    never altered; without one, the point gets a time unique within the process when it is emitted. An integer that
    looks like seconds, milliseconds or microseconds of a time from 1973 to 2100 is refused; a time in January or
    February 1970 that such an integer would be is given as a datetime."""

    tags: TagMapping | None = None
    """Additional tags, written as strings; an empty value or None leaves the tag out."""

    fields: FieldMapping | None = None
    """Additional fields, each with the type of its value; None leaves the field out."""

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, measurement: str = ..., **options: Any) -> None: ...


class ServicePoint(Point):
    """Base of the series that a service emits about itself."""

    service: Service = None
    """Name of the service; by default that of the Monitor, else the one set by :func:`tsmon.configure`."""
