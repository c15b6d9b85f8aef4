"""Points to lines: one fast generated function per class, and the careful encoder behind it.

An :class:`Encoding` is the context of a Monitor (or of :func:`encode`): its service, its default tags, the
tags to be written as fields, its clock. Both ways give the same line; the careful one also handles additional
fields and unusual values, and says why a point cannot be stored.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Final, Protocol

from tsmon.clock import UniqueClock
from tsmon.errors import InvalidPointError
from tsmon.line_protocol.declaration import Declaration
from tsmon.line_protocol.escaping import (
    MAX_KEY_BYTES,
    check_field_key,
    check_tag_key,
    check_tag_value,
    escape_field_key,
    escape_measurement,
    escape_tag,
)
from tsmon.line_protocol.generator import Factory, generate
from tsmon.line_protocol.values import NONFINITE, field_text, field_type, tag_text, time_ns_of

__all__ = ["MAX_HEADS", "Encodable", "Encoding"]

MAX_HEADS: Final = 4_096
"""Distinct tag sets that an encoding remembers; when it is full, it starts anew."""

LONG_HEAD: Final = 2_000
"""A head longer than this (in characters) is not remembered, so that the cache is bounded in bytes too."""


class Encodable(Protocol):
    """What the encoder needs of a point; :class:`tsmon.Point` provides it."""

    __declaration__: ClassVar[Declaration]
    __factory__: ClassVar[Factory | None]

    @property
    def tags(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def fields(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def time(self) -> Any: ...  # noqa: D102


class Encoding:
    """Everything besides the point itself that decides how its line reads.

    ``service`` is the value of the service tag for points that do not name one, ``tags`` are added to every
    point (its own win), ``tags_as_fields`` are keys of declared tags to be written as fields instead.
    """

    def __init__(
        self,
        service: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        tags_as_fields: Collection[str] = (),
        clock: UniqueClock | None = None,
    ) -> None:
        self._service = service
        self._tags = {key: tag_text(f"default tag {key!r}", value) for key, value in (tags or {}).items()}
        for key, value in self._tags.items():
            check_tag_key(key)
            check_tag_value(key, value)
        self._demoted = frozenset(tags_as_fields)
        self._clock = clock or UniqueClock()
        self._declarations: dict[type[Encodable], Declaration] = {}
        self._all_heads: list[dict[tuple[object, ...], str]] = []
        self.functions: dict[type[Encodable], Callable[[Any], str]] = {}
        self.nonfinite = 0
        """Number of fields left out so far because they were NaN or infinite."""

    @property
    def service(self) -> str | None:
        """Service tag of points that do not name one."""
        return self._service

    @service.setter
    def service(self, service: str | None) -> None:
        self._service = service
        for heads in self._all_heads:
            heads.clear()

    def encode(self, point: Encodable) -> str:
        """Line of ``point``, without a newline; raises :class:`~tsmon.errors.InvalidPointError`."""
        return (self.functions.get(type(point)) or self.function_for(type(point)))(point)

    def function_for(self, cls: type[Encodable]) -> Callable[[Any], str]:
        """Encoder of one point class in this context, made at its first use."""
        declaration = getattr(cls, "__declaration__", None)
        if declaration is None:
            raise InvalidPointError(
                f"{cls.__name__} is not a point class with a measurement; "
                "derive it as class X(Point, measurement='x')"
            )
        demoted = declaration.demoted(self._demoted)
        self._declarations[cls] = demoted
        factory = cls.__factory__ if demoted is declaration else generate(demoted)
        function: Callable[[Any], str] = self.careful
        if factory is not None:
            heads: dict[tuple[object, ...], str] = {}
            self._all_heads.append(heads)
            function = factory(heads, self._head_maker(demoted, heads), self.careful, self._clock)
        self.functions[cls] = function
        return function

    def careful(self, point: Encodable) -> str:
        """Line of any point, by the plain road: every name and value is checked."""
        declaration = self._declarations[type(point)]
        head = self._head(declaration, point)
        fields = self._fields(declaration, point)
        if point.fields:
            _check_length(declaration.class_name, head[:-1], list(point.fields))
        time_ns = self._clock() if point.time is None else time_ns_of(point.time)
        return f"{head}{','.join(fields)} {time_ns}"

    def _head_maker(
        self, declaration: Declaration, heads: dict[tuple[object, ...], str]
    ) -> Callable[[Encodable], str]:
        attributes = [column.attribute for column in declaration.columns if column.tag]

        def make_head(point: Encodable) -> str:
            head = self._head(declaration, point)
            if len(heads) >= MAX_HEADS:
                heads.clear()
            if len(head) <= LONG_HEAD:
                key = tuple([getattr(point, attribute) for attribute in attributes])
                heads[key if point.tags is None else (*key, tuple(point.tags.items()))] = head
            return head

        return make_head

    def _head(self, declaration: Declaration, point: Encodable) -> str:
        """Measurement and tags, sorted by escaped key, and the space before the fields."""
        name = declaration.class_name
        tags = {key: value for key, value in self._tags.items() if key not in declaration.keys}
        for column in declaration.columns:
            if not column.tag:
                continue
            value = getattr(point, column.attribute)
            if column.service and not value:
                value = self._service
                if not value:
                    raise InvalidPointError(
                        f"{name} has no service name; pass service=…, make the Monitor with service=…, "
                        "or call tsmon.configure(service=…) first"
                    )
            elif value is None and not column.optional:
                raise InvalidPointError(f"{name}.{column.attribute} is None, but the tag is not optional")
            tags[column.key] = tag_text(f"{name}.{column.attribute}", value, column.type)
        for key, value in (point.tags or {}).items():
            _check_additional(name, "tag", key, declaration)
            check_tag_key(key)
            tags[key] = tag_text(f"tag {key!r} of {name}", value)
        parts = []
        for key, text in tags.items():
            check_tag_value(key, text)
            if text:
                parts.append((escape_tag(key), escape_tag(text)))
        head = "".join(
            [escape_measurement(declaration.measurement), *(f",{key}={text}" for key, text in sorted(parts))]
        )
        _check_length(name, head, [column.key for column in declaration.columns if column.field])
        return head + " "

    def _fields(self, declaration: Declaration, point: Encodable) -> list[str]:
        name = declaration.class_name
        texts = []
        nonfinite = 0
        for column in sorted(declaration.columns, key=lambda column: column.optional):
            if not column.field:
                continue
            value = getattr(point, column.attribute)
            if value is None:
                if not column.optional:
                    raise InvalidPointError(f"{name}.{column.attribute} is None, but the field is not optional")
                continue
            text = field_text(f"{name}.{column.attribute}", value, column.type)
            if text is NONFINITE:
                nonfinite += 1
                continue
            texts.append(f"{escape_field_key(column.key)}={text}")
        for key, value in (point.fields or {}).items():
            if value is None:
                continue
            _check_additional(name, "field", key, declaration)
            check_field_key(key)
            if key in (point.tags or {}):
                raise InvalidPointError(f"{name} has {key!r} as additional tag and field; choose one")
            where = f"field {key!r} of {name}"
            text = field_text(where, value, field_type(where, value))
            if text is NONFINITE:
                nonfinite += 1
                continue
            texts.append(f"{escape_field_key(key)}={text}")
        if not texts:
            reason = "every field is NaN or infinite" if nonfinite else "it has no field"
            raise InvalidPointError(f"{name} cannot be stored, for {reason}; give at least one finite value")
        self.nonfinite += nonfinite
        return texts


def _check_length(name: str, head: str, field_keys: list[str]) -> None:
    """Refuse what the server would: head, a separator of four bytes and the longest field key are too much."""
    if 4 * (len(head) + max(map(len, field_keys), default=0) + 1) <= MAX_KEY_BYTES:
        return
    longest = max((len(escape_field_key(key).encode()) for key in field_keys), default=0)
    length = len(head.encode()) + 4 + longest
    if length > MAX_KEY_BYTES:
        raise InvalidPointError(
            f"measurement, tags and a field key of {name} take {length} bytes, "
            f"above the server's {MAX_KEY_BYTES}; write long texts as string fields"
        )


def _check_additional(name: str, what: str, key: object, declaration: Declaration) -> None:
    if not isinstance(key, str):
        raise InvalidPointError(f"{name} has an additional {what} whose key is {key!r}; keys are str")
    if key in declaration.keys:
        raise InvalidPointError(f"{name} declares {key!r}; give it as {key}=…, not as an additional {what}")
