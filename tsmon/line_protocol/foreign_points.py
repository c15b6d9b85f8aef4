"""Points of influxdb-client: what that client would write, with this Monitor's default tags and times.

Its points are recognized by the name of their class, so that nothing is imported. Its own text of a point decides
what the measurement, tags and fields are. That is read as the server would read it, and checked like other points.
"""

from typing import Any, Final, Protocol

from tsmon.errors import InvalidPointError, LineProtocolError
from tsmon.line_protocol.checked_encoder import EncodingContext
from tsmon.line_protocol.escaping import (
    check_field_key,
    check_measurement,
    check_tag_key,
    check_tag_value,
    escape_field_key,
    escape_measurement,
    escape_tag,
)
from tsmon.line_protocol.parser import FieldValue, Unsigned, parse_line
from tsmon.line_protocol.times import to_time_ns
from tsmon.line_protocol.values import format_field
from tsmon.logs.error_texts import describe_error
from tsmon.threads.locks import raise_interruption

__all__ = ["ForeignPoint", "encode_foreign_point", "is_foreign_point_class"]

_NS_PER_UNIT: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class ForeignPoint(Protocol):
    """A point of influxdb-client, as type checkers see it."""

    def to_line_protocol(self, precision: Any = None) -> str: ...  # noqa: D102
    @property
    def write_precision(self) -> Any: ...  # noqa: D102


def is_foreign_point_class(cls: type) -> bool:
    """Whether it is the class ``Point`` of influxdb-client or influxdb3-python, or derived from it."""
    return any(
        one.__name__ == "Point" and one.__module__.endswith("client.write.point") for one in cls.__mro__
    ) and hasattr(cls, "to_line_protocol")


def encode_foreign_point(context: EncodingContext, point: Any) -> str:
    """Return the line of such a point without a newline; raise :class:`~tsmon.errors.InvalidPointError`.

    The tags of the point win over the default ones. An integer time is in the precision of the point, a time
    without a zone in UTC, both as that client takes them; without a time, the point gets a unique one.
    """
    try:
        text, unit = point.to_line_protocol(), point.write_precision
    except Exception as error:
        raise_interruption(error)
        raise InvalidPointError(
            f"the point of influxdb-client has no line ({describe_error(error)}); correct it"
        ) from None
    if not text:
        raise InvalidPointError(
            "the point of influxdb-client has no field with a finite value; give it at least one"
        )
    try:
        parsed = parse_line(text)
    except LineProtocolError as error:
        raise InvalidPointError(f"the point of influxdb-client cannot be stored: {error}") from None
    if unit not in _NS_PER_UNIT:
        raise InvalidPointError(f"the point of influxdb-client has the precision {unit!r}; use s, ms, us or ns")
    measurement = _format_measurement(parsed.measurement)
    tags = {escape_tag(key): escape_tag(value) for key, value in context.default_tags.items()}
    tags |= dict(_format_tag(key, value) for key, value in parsed.tags.items())
    head = measurement + "".join(f",{key}={text}" for key, text in sorted(tags.items()) if text)
    if context.on_new_series is not None:
        context.on_new_series(measurement, head, tags)
    fields = ",".join(_format_field(key, value) for key, value in parsed.fields.items())
    time_ns = context.clock() if parsed.time_ns is None else to_time_ns(parsed.time_ns * _NS_PER_UNIT[unit])
    return f"{head} {fields} {time_ns}"


def _format_measurement(name: str) -> str:
    check_measurement(name)
    return escape_measurement(name)


def _format_tag(key: str, value: str) -> tuple[str, str]:
    check_tag_key(key)
    check_tag_value(key, value)
    return escape_tag(key), escape_tag(value)


def _format_field(key: str, value: FieldValue) -> str:
    check_field_key(key)
    if isinstance(value, Unsigned):
        return f"{escape_field_key(key)}={int(value)}u"
    return f"{escape_field_key(key)}={format_field(f'field {key!r}', value, type(value))}"
