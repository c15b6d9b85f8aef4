"""Points to lines: a fast compiled encoder for each class, and a checked encoder behind it.

An :class:`Encoding` is the context of one Monitor, or of :func:`~tsmon.line_protocol.encode`: service, default
tags, tags to be written as fields, clock. Both encoders return the same line. The checked one also handles
additional fields and unusual values, and explains why a point cannot be stored.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

from tsmon.clock import UniqueClock
from tsmon.errors import InvalidPointError
from tsmon.line_protocol.checked_encoder import CheckedEncoder, Encodable
from tsmon.line_protocol.escaping import check_default_tags, check_tag_value
from tsmon.line_protocol.fast_encoder import compile_encoder
from tsmon.line_protocol.foreign_points import encode_foreign_point, is_foreign_point_class
from tsmon.line_protocol.values import format_tag

__all__ = ["Encodable", "Encoding"]


class Encoding:
    """Everything apart from the point itself that determines its line.

    ``service`` is the service tag of points that do not name one. ``tags`` are added to every point; a tag of the
    point itself wins. ``tags_as_fields`` are keys of declared tags that are written as fields instead.
    """

    def __init__(
        self,
        service: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        tags_as_fields: Collection[str] = (),
        clock: UniqueClock | None = None,
        on_new_series: Callable[[str, str, Mapping[str, str]], None] | None = None,
    ) -> None:
        self.on_new_series = on_new_series
        """Called with the measurement, the head and the tags of each line whose head was not cached."""
        self._service = service
        if service is not None:
            check_tag_value("service", service)
        self.default_tags = {key: format_tag(f"default tag {key!r}", value) for key, value in (tags or {}).items()}
        check_default_tags(self.default_tags)
        self._tags_as_fields = frozenset(tags_as_fields)
        self.clock = clock or UniqueClock()
        self._checked_encoders: dict[type[Encodable], CheckedEncoder] = {}
        self.encoders: dict[type[Encodable], Callable[[Any], str]] = {}
        """The encoder of each point class that was used so far."""
        self.nonfinite = 0
        """Number of fields left out so far because they were NaN or infinite."""

    @property
    def service(self) -> str | None:
        """Service tag of points that do not name one."""
        return self._service

    @service.setter
    def service(self, service: str | None) -> None:
        self._service = service
        for encoder in list(self._checked_encoders.values()):
            encoder.forget_heads()

    def encode(self, point: Encodable) -> str:
        """Return the line of ``point`` without a newline; raise :class:`~tsmon.errors.InvalidPointError`."""
        return (self.encoders.get(type(point)) or self.encoder_for(type(point)))(point)

    def encoder_for(self, cls: type[Encodable]) -> Callable[[Any], str]:
        """Make the encoder of a point class in this context; called when the class is first used."""
        declaration = getattr(cls, "__declaration__", None)
        if declaration is None:
            if is_foreign_point_class(cls):
                self.encoders[cls] = functools.partial(encode_foreign_point, self)
                return self.encoders[cls]
            raise InvalidPointError(
                f"{cls.__name__} is not a point class with a measurement; "
                "derive it as class X(Point, measurement='x')"
            )
        written = declaration.with_tags_as_fields(self._tags_as_fields)
        checked = self._checked_encoders[cls] = CheckedEncoder(written, self)
        factory = cls.__encoder_factory__ if written is declaration else compile_encoder(written)
        self.encoders[cls] = factory(checked, self.clock) if factory is not None else checked.encode
        return self.encoders[cls]

    def encode_checked(self, point: Encodable) -> str:
        """Return the line of ``point`` from the checked encoder, without the fast one."""
        if type(point) not in self._checked_encoders:
            self.encoder_for(type(point))
        return self._checked_encoders[type(point)].encode(point)
