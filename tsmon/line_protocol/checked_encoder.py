"""The careful encoder: plain code for any point of one class, which says why a point cannot be stored.

The generated encoders (:mod:`tsmon.line_protocol.fast_encoder`) come here for what they do not know: tag sets that
are new to them, additional fields, unusual values.
"""

import functools
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
from tsmon.line_protocol.fast_encoder import Factory
from tsmon.line_protocol.values import NONFINITE, field_text, field_type, tag_text, time_ns_of

__all__ = ["LONG_HEAD", "MAX_HEADS", "Careful", "Context", "Encodable"]

MAX_HEADS: Final = 4_096
"""Distinct tag sets that are remembered for each class; when it is full, it starts anew."""

LONG_HEAD: Final = 2_000
"""A head longer than this (in characters) is not remembered, so that the cache is bounded in bytes too."""

KNOWN_KEYS: Final = 500
"""Additional tag keys, and field keys, that are remembered as checked."""


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


class Context(Protocol):
    """What else decides how a line reads; :class:`~tsmon.line_protocol.Encoding` provides it."""

    nonfinite: int
    saw_series: Callable[[str, str, Mapping[str, str]], None] | None

    @property
    def service(self) -> str | None: ...  # noqa: D102
    @property
    def default_tags(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def clock(self) -> UniqueClock: ...  # noqa: D102


class Careful:
    """Encoder of the points of one class, in one context; every name and value is checked."""

    def __init__(self, declaration: Declaration, context: Context) -> None:
        self._context = context
        self._declaration = declaration
        self._name = declaration.class_name
        self._measurement = escape_measurement(declaration.measurement)
        self._default_tags = {
            escape_tag(key): escape_tag(value)
            for key, value in context.default_tags.items()
            if key not in declaration.keys
        }
        self._tags = [
            (column, escape_tag(column.key), f"{self._name}.{column.attribute}")
            for column in declaration.columns
            if column.tag
        ]
        self._fields = [
            (column, escape_field_key(column.key), f"{self._name}.{column.attribute}")
            for column in sorted(declaration.columns, key=lambda column: column.optional)
            if column.field
        ]
        self._field_keys = [column.key for column, _, _ in self._fields]
        self.heads: dict[object, Any] = {}
        """Heads in nested dicts, by the values of the declared tags (by None where there are none)."""
        self.tagged_heads: dict[object, str] = {}
        """Heads by the values of the declared tags and the items of the additional ones."""
        self._remembered = 0

    def encode(self, point: Encodable, head: str | None = None) -> str:
        """Line of ``point``, without a newline; raises :class:`~tsmon.errors.InvalidPointError`."""
        if head is None:
            head = self.head(point)
        texts: list[str] = []
        nonfinite = self._add_declared(point, texts)
        if point.fields:
            nonfinite += self._add_additional(point, head, texts)
        if not texts:
            reason = "every field is NaN or infinite" if nonfinite else "it has no field"
            raise InvalidPointError(f"{self._name} cannot be stored, for {reason}; give at least one finite value")
        time_ns = self._context.clock() if point.time is None else time_ns_of(point.time)
        self._context.nonfinite += nonfinite
        return f"{head}{','.join(texts)} {time_ns}"

    def head(self, point: Encodable) -> str:
        """Measurement and tags, sorted by escaped key, and the space before the fields."""
        tags = self._default_tags.copy()
        for column, key, where in self._tags:
            value = getattr(point, column.attribute)
            if column.service and (value is None or value == ""):
                value = self._service()
            elif value is None and not column.optional:
                raise InvalidPointError(f"{where} is None, but the tag is not optional")
            text = tag_text(where, value, column.type)
            check_tag_value(column.key, text)
            tags[key] = escape_tag(text)
        for key, value in (point.tags or {}).items():
            self._check_undeclared("tag", key)
            text = tag_text(f"tag {key!r} of {self._name}", value)
            check_tag_value(key, text)
            tags[_tag_key(key)] = escape_tag(text)
        head = self._measurement + "".join([f",{key}={text}" for key, text in sorted(tags.items()) if text])
        self._check_length(head, self._field_keys)
        if self._context.saw_series is not None:
            self._context.saw_series(self._measurement, head, tags)
        return head + " "

    def _service(self) -> str:
        service = self._context.service
        if not service:
            raise InvalidPointError(
                f"{self._name} has no service name; pass service=…, make the Monitor with service=…, "
                "or call tsmon.configure(service=…) first"
            )
        return service

    def new_head(self, point: Encodable) -> str:
        """Head of ``point``, which is remembered."""
        head = self.head(point)
        if len(head) > LONG_HEAD:
            return head
        if self._remembered >= MAX_HEADS:
            self.forget_heads()
        self._remembered += 1
        keys = [getattr(point, column.attribute) for column, _, _ in self._tags]
        if point.tags is not None:
            items = tuple(point.tags.items())
            self.tagged_heads[(*keys, items) if keys else items] = head
            return head
        *outer, last = keys or [None]
        heads = self.heads
        for key in outer:
            heads = heads.setdefault(key, {})
        heads[last] = head
        return head

    def forget_heads(self) -> None:
        """Look every head up anew, because the service has changed or too many are remembered."""
        self._remembered = 0
        self.heads.clear()
        self.tagged_heads.clear()

    def _add_declared(self, point: Encodable, texts: list[str]) -> int:
        nonfinite = 0
        for column, key, where in self._fields:
            value = getattr(point, column.attribute)
            if column.service and not value:
                value = self._service()
            if value is None:
                if not column.optional:
                    raise InvalidPointError(f"{where} is None, but the field is not optional")
                continue
            text = field_text(where, value, column.type)
            if text is NONFINITE:
                nonfinite += 1
            else:
                texts.append(f"{key}={text}")
        return nonfinite

    def _add_additional(self, point: Encodable, head: str, texts: list[str]) -> int:
        fields, tags = point.fields or {}, point.tags or {}
        nonfinite = 0
        for key, value in fields.items():
            if value is None:
                continue
            self._check_undeclared("field", key)
            escaped = _field_key(key)
            if key in tags:
                raise InvalidPointError(f"{self._name} has {key!r} as additional tag and field; choose one")
            where = f"field {key!r} of {self._name}"
            text = field_text(where, value, field_type(where, value))
            if text is NONFINITE:
                nonfinite += 1
            else:
                texts.append(f"{escaped}={text}")
        self._check_length(head[:-1], [key for key, value in fields.items() if value is not None])
        return nonfinite

    def _check_undeclared(self, what: str, key: object) -> None:
        if not isinstance(key, str):
            raise InvalidPointError(f"{self._name} has an additional {what} whose key is {key!r}; keys are str")
        if key in self._declaration.keys:
            raise InvalidPointError(
                f"{self._name} declares {key!r}; give it as {key}=…, not as an additional {what}"
            )

    def _check_length(self, head: str, field_keys: Collection[str]) -> None:
        """Refuse what the server would: head, a separator of four bytes and the longest field key are too much."""
        if 4 * (len(head) + max(map(len, field_keys), default=0) + 1) <= MAX_KEY_BYTES:
            return
        longest = max((len(escape_field_key(key).encode()) for key in field_keys), default=0)
        length = len(head.encode()) + 4 + longest
        if length > MAX_KEY_BYTES:
            raise InvalidPointError(
                f"measurement, tags and a field key of {self._name} take {length} bytes, "
                f"above the server's {MAX_KEY_BYTES}; write long texts as string fields"
            )


@functools.lru_cache(maxsize=KNOWN_KEYS)
def _tag_key(key: str) -> str:
    check_tag_key(key)
    return escape_tag(key)


@functools.lru_cache(maxsize=KNOWN_KEYS)
def _field_key(key: str) -> str:
    check_field_key(key)
    return escape_field_key(key)
