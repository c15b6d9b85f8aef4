"""Selectors as text, in the syntax of line protocol: ``measurement,tag=value field``."""

from typing import Final

from tsmon.errors import InvalidPointError, LineProtocolError, SelectorError
from tsmon.line_protocol.escaping import (
    check_field_key,
    check_measurement,
    check_tag_key,
    check_tag_value,
    escape_field_key,
    escape_measurement,
    escape_tag,
    unescape_field_key,
)
from tsmon.line_protocol.parser import find_head_end, parse_head
from tsmon.stores.query_types import Selector

__all__ = ["DEFAULT_FIELD", "check_selector", "format_selector", "parse_selector"]

DEFAULT_FIELD: Final = "value"


def parse_selector(text: str) -> Selector:
    """Parse ``measurement,tag=value field``, escaped as in line protocol; the field is ``value`` by default.

    Raises :class:`~tsmon.errors.SelectorError`.
    """
    line = text.strip(" \t\r\n")
    if line.endswith("\\"):
        line += " "
    end = find_head_end(line)
    try:
        measurement, tags = parse_head(line[:end] + " ")
    except LineProtocolError as error:
        raise SelectorError(
            f"{_quote(text)} selects nothing: {error.reason}; write measurement,tag=value field"
        ) from None
    selector = Selector(measurement, unescape_field_key(line[end + 1 :].lstrip(" ")) or DEFAULT_FIELD, tags)
    check_selector(selector)
    return selector


def check_selector(selector: Selector) -> None:
    """Raise :class:`~tsmon.errors.SelectorError` if no point can match the selector."""
    try:
        check_measurement(selector.measurement)
        check_field_key(selector.field)
        for key, value in selector.tags.items():
            check_tag_key(key)
            check_tag_value(key, value)
            if not value:
                raise InvalidPointError(f"tag {_quote(key)} is empty, and an empty tag is no tag; give it a value")
    except InvalidPointError as error:
        raise SelectorError(str(error)) from None


def format_selector(selector: Selector) -> str:
    """Inverse of :func:`parse_selector`; tags are sorted by key."""
    tags = "".join(f",{escape_tag(key)}={escape_tag(value)}" for key, value in sorted(selector.tags.items()))
    return f"{escape_measurement(selector.measurement)}{tags} {escape_field_key(selector.field)}"


def _quote(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
