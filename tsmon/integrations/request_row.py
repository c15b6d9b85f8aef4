"""Rows: the columns of a request's point, in an object that is filled again and again.

A row is encoded as the point would be, which saves making a point for each request. Its attributes and its encoder
come from the declaration of the point class.
"""

from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tsmon.integrations.fitting import fit_time
from tsmon.line_protocol import Declaration, EncoderFactory, compile_encoder
from tsmon.points import Request

__all__ = ["RequestRow", "make_row_class"]


class RequestRow:
    """Base of the rows: the columns that the recorder fills, and what the encoders read from every point."""

    __slots__ = ("execution_time", "fields", "request_id", "route", "service", "status_code", "tags", "time_text")
    __declaration__: ClassVar[Declaration]
    __encoder_factory__: ClassVar[EncoderFactory | None]
    __point_class__: ClassVar[type[Request]]
    """The class whose points the rows are."""
    defaults: ClassVar[dict[str, Any]]
    """Values of the added columns."""

    time_text: str
    service: str | None
    route: str
    status_code: int
    request_id: str
    execution_time: float
    tags: None
    fields: None

    def __init__(self, service: str | None) -> None:
        for attribute, default in self.defaults.items():
            setattr(self, attribute, default)
        self.service = service
        self.tags = self.fields = None

    @property
    def time(self) -> int | Decimal:
        """Time of the point."""
        return fit_time(int(self.time_text))


def make_row_class(cls: type[Request], added: dict[str, str]) -> type[RequestRow] | None:
    """Make the class of rows for points of ``cls`` whose columns ``added`` have their defaults.

    Returns None if a row cannot replace such points: a default differs from point to point, or a column has the
    name of an attribute of rows.
    """
    defaults = {field.name: field.default for field in msgspec.structs.fields(cls) if field.name in added}
    if msgspec.NODEFAULT in defaults.values() or defaults.keys() & vars(RequestRow).keys():
        return None
    namespace = {
        "__slots__": tuple(defaults),
        "__declaration__": cls.__declaration__,
        "__encoder_factory__": compile_encoder(cls.__declaration__, time_text="time_text"),
        "__point_class__": cls,
        "defaults": defaults,
    }
    return type(f"{cls.__name__}Row", (RequestRow,), namespace)
