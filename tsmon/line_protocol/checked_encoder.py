"""The checked encoder: it encodes any point of one class, or explains why the point cannot be stored.

The fast encoders (:mod:`tsmon.line_protocol.fast_encoder`) call it for what they do not handle: tag sets that are
not cached, additional fields, unusual values.
"""

import contextlib
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
from tsmon.line_protocol.fast_encoder import EncoderFactory
from tsmon.line_protocol.plain_values import MISSING, to_plain
from tsmon.line_protocol.times import to_point_time_ns
from tsmon.line_protocol.values import NONFINITE, abbreviate, format_field, format_tag, infer_field_type
from tsmon.threads.locks import raise_interruption

__all__ = ["MAX_CACHED_HEAD", "MAX_HEADS", "CheckedEncoder", "Encodable", "EncodingContext"]

MAX_HEADS: Final = 4_096
"""Distinct tag sets that are cached for each class; a full cache is cleared."""

MAX_CACHED_HEAD: Final = 2_000
"""Longer heads (in characters) are not cached, which bounds the cache in bytes too."""

MAX_CACHED_KEYS: Final = 500
"""Checked keys of additional tags that are cached; field keys have a cache of the same size."""


class Encodable(Protocol):
    """What the encoders need from a point; :class:`tsmon.Point` provides it."""

    __declaration__: ClassVar[Declaration]
    __encoder_factory__: ClassVar[EncoderFactory | None]

    @property
    def tags(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def fields(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def time(self) -> Any: ...  # noqa: D102


class EncodingContext(Protocol):
    """What else determines a line; :class:`~tsmon.line_protocol.Encoding` provides it."""

    nonfinite: int
    on_new_series: Callable[[str, str, Mapping[str, str]], None] | None

    @property
    def service(self) -> str | None: ...  # noqa: D102
    @property
    def default_tags(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def clock(self) -> UniqueClock: ...  # noqa: D102


class CheckedEncoder:
    """Encoder of the points of one class in one context; it checks every name and value."""

    def __init__(self, declaration: Declaration, context: EncodingContext) -> None:
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
        """Heads in nested dicts, by the values of the declared tags (by None if there are none)."""
        self.tagged_heads: dict[object, str] = {}
        """Heads by the values of the declared tags and the items of the additional ones."""
        self._cached = 0

    def encode(self, point: Encodable, head: str | None = None) -> str:
        """Return the line of ``point`` without a newline; raise :class:`~tsmon.errors.InvalidPointError`."""
        if head is None:
            head = self._format_head(point)
        texts: list[str] = []
        nonfinite = self._add_declared(point, texts)
        if point.fields is not None:
            nonfinite += self._add_additional(point, head, texts)
        if not texts:
            reason = "every field is NaN or infinite" if nonfinite else "it has no field"
            raise InvalidPointError(f"{self._name} cannot be stored, for {reason}; give at least one finite value")
        time_ns = self._context.clock() if point.time is None else to_point_time_ns(point.time)
        self._context.nonfinite += nonfinite
        return f"{head}{','.join(texts)} {time_ns}"

    def _format_head(self, point: Encodable) -> str:
        """Format measurement and tags, sorted by escaped key, and the space before the fields."""
        tags = self._default_tags.copy()
        for column, key, where in self._tags:
            value = getattr(point, column.attribute)
            if type(value) is not str:
                value = to_plain(value)
            if column.service and (value is None or value is MISSING or (isinstance(value, str) and not value)):
                value = self._service()
            elif (value is None or value is MISSING) and not column.optional:
                raise InvalidPointError(
                    f"{where} is {'None' if value is None else 'missing'}, but the tag is not optional"
                )
            text = format_tag(where, value, column.type)
            check_tag_value(column.key, text)
            tags[key] = escape_tag(text)
        for key, value in self._items("tags", point.tags):
            self._check_undeclared("tag", key)
            text = format_tag(f"tag {key!r} of {self._name}", value)
            check_tag_value(key, text)
            tags[_escape_checked_tag_key(key)] = escape_tag(text)
        head = self._measurement + "".join([f",{key}={text}" for key, text in sorted(tags.items()) if text])
        self._check_length(head, self._field_keys)
        if self._context.on_new_series is not None:
            self._context.on_new_series(self._measurement, head, tags)
        return head + " "

    def _service(self) -> str:
        service = self._context.service
        if not service:
            raise InvalidPointError(
                f"{self._name} has no service name; pass service=…, make the Monitor with service=…, "
                "or call tsmon.configure(service=…) first"
            )
        return service

    def cache_head(self, point: Encodable) -> str:
        """Return the head of ``point`` (measurement, tags and a space) and cache it."""
        head = self._format_head(point)
        if len(head) > MAX_CACHED_HEAD:
            return head
        if self._cached >= MAX_HEADS:
            self.forget_heads()
        self._cached += 1
        keys = [getattr(point, column.attribute) for column, _, _ in self._tags]
        if point.tags is not None:
            items = tuple(point.tags.items())
            self.tagged_heads[(*keys, items) if keys else items] = head
            return head
        *outer, last = keys or [None]
        heads = self.heads
        with contextlib.suppress(TypeError):  # a value that is not hashable, though it could be formatted
            for key in outer:
                heads = heads.setdefault(key, {})
            heads[last] = head
        return head

    def forget_heads(self) -> None:
        """Clear the cache, because the service has changed or the cache is full."""
        self._cached = 0
        self.heads.clear()
        self.tagged_heads.clear()

    def _add_declared(self, point: Encodable, texts: list[str]) -> int:
        nonfinite = 0
        for column, key, where in self._fields:
            value = getattr(point, column.attribute)
            if column.service:
                value = to_plain(value)
                if value is None or value is MISSING or (isinstance(value, str) and not value):
                    value = self._service()
            if value is None:
                if not column.optional:
                    raise InvalidPointError(f"{where} is None, but the field is not optional")
                continue
            text = format_field(where, value, column.type)
            if text is NONFINITE:
                nonfinite += 1
            else:
                texts.append(f"{key}={text}")
        return nonfinite

    def _add_additional(self, point: Encodable, head: str, texts: list[str]) -> int:
        fields, tags = self._items("fields", point.fields), dict(self._items("tags", point.tags))
        nonfinite = 0
        for key, value in fields:
            if value is None:
                continue
            self._check_undeclared("field", key)
            escaped = _escape_checked_field_key(key)
            if key in tags:
                raise InvalidPointError(f"{self._name} has {key!r} as additional tag and field; choose one")
            where = f"field {key!r} of {self._name}"
            text = format_field(where, value, infer_field_type(where, value))
            if text is NONFINITE:
                nonfinite += 1
            else:
                texts.append(f"{escaped}={text}")
        self._check_length(head[:-1], [key for key, value in fields if value is not None])
        return nonfinite

    def _items(self, what: str, given: object) -> Collection[tuple[Any, Any]]:
        """Return the items of additional tags or fields, which may be anything that a program passed."""
        if given is None:
            return ()
        if not isinstance(given, Mapping):
            raise InvalidPointError(
                f"{self._name} has {what} of type {type(given).__name__}; "
                f'give a mapping of names to values, such as {what}={{"name": …}}'
            )
        try:
            return list(given.items())
        except Exception as error:  # a mapping of the program's own
            raise_interruption(error)
            raise InvalidPointError(
                f"{self._name} has {what} of type {type(given).__name__} that cannot be read "
                f"({type(error).__name__}: {error}); give a dict"
            ) from error

    def _check_undeclared(self, what: str, key: object) -> None:
        if not isinstance(key, str):
            shown = abbreviate(key, f"<{type(key).__name__} …>")
            raise InvalidPointError(f"{self._name} has an additional {what} whose key is {shown}; keys are str")
        if key in self._declaration.keys:
            raise InvalidPointError(
                f"{self._name} declares {key!r}; give it as {key}=…, not as an additional {what}"
            )

    def _check_length(self, head: str, field_keys: Collection[str]) -> None:
        """Refuse what the server would: too long a head, separator (four bytes) and field key together."""
        if 4 * (len(head) + max(map(len, field_keys), default=0) + 1) <= MAX_KEY_BYTES:
            return
        longest = max((len(escape_field_key(key).encode()) for key in field_keys), default=0)
        length = len(head.encode()) + 4 + longest
        if length > MAX_KEY_BYTES:
            raise InvalidPointError(
                f"measurement, tags and a field key of {self._name} take {length} bytes, "
                f"above the server's {MAX_KEY_BYTES}; write long texts as string fields"
            )


@functools.lru_cache(maxsize=MAX_CACHED_KEYS)
def _escape_checked_tag_key(key: str) -> str:
    check_tag_key(key)
    return escape_tag(key)


@functools.lru_cache(maxsize=MAX_CACHED_KEYS)
def _escape_checked_field_key(key: str) -> str:
    check_field_key(key)
    return escape_field_key(key)
