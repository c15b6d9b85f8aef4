"""Names and strings of line protocol: which characters they may contain, and how these are escaped.

The rules are those of the parser of InfluxDB OSS 2.x (models/points.go, pkg/escape), not only of its documentation.
In measurements, tag keys, tag values and field keys a backslash is literal and is never doubled. A backslash cannot
be represented, and is refused:

- at the end of any of them;
- before a space: the server's line splitter takes the space for the end of the tags, and a later quote then
  swallows the next lines;
- in measurements and field keys, before a comma, ``=`` or quote: field keys are read back differently; measurements
  are stored, but no query finds them.

A leading ``#`` in a measurement would turn the whole line into a comment; it is refused too.

Control characters (U+0000 to U+001F and U+007F) are refused in names and tag values. String fields keep every
character, U+0000 included.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from tsmon.errors import InvalidPointError

__all__ = [
    "MAX_KEY_BYTES",
    "MAX_STRING_BYTES",
    "RESERVED_TAG_KEYS",
    "check_default_tags",
    "check_field_key",
    "check_measurement",
    "check_tag_key",
    "check_tag_value",
    "escape_field_key",
    "escape_measurement",
    "escape_string",
    "escape_tag",
    "is_unfindable_measurement",
    "unescape_field_key",
    "unescape_key",
    "unescape_measurement",
    "unescape_string",
]

MAX_KEY_BYTES: Final = 65_535
"""The server's limit for measurement, tags and one field key together, in bytes."""

MAX_DEFAULT_TAGS_BYTES: Final = MAX_KEY_BYTES // 2

MAX_STRING_BYTES: Final = 1_048_576
"""The server's limit for one string field, in bytes."""

_unusual = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_control = re.compile(r"[\x00-\x1f\x7f]")
_stray_in_tag = re.compile(r"\\(?= |\Z)")
_stray_in_name = re.compile(r'\\(?=[, ="]|\Z)')
_surrogate = re.compile(r"[\ud800-\udfff]")
_escaped_in_measurement = re.compile(r"\\([, ])")
_escaped_in_key = re.compile(r"\\([,= ])")
_escaped_in_field_key = re.compile(r'\\([," =])')
_escaped_in_string = re.compile(r'\\(["\\])')

RESERVED_TAG_KEYS: Final = frozenset({"_field", "_measurement", "time", "\x00"})


def check_measurement(name: str) -> None:
    """Raise :class:`InvalidPointError` unless ``name`` can name a measurement."""
    _check("measurement", name, _stray_in_name)
    if name.startswith("#"):
        raise InvalidPointError(
            f"measurement {_abbreviate(name)} starts with '#', which makes the line a comment; choose another name"
        )
    if name.startswith("_"):
        raise _reserved_name("measurement", name)


def check_tag_key(key: str) -> None:
    """Raise :class:`InvalidPointError` unless ``key`` can name a tag."""
    _check("tag key", key)
    if key in RESERVED_TAG_KEYS or key.startswith("_"):
        raise _reserved_name("tag key", key)


def check_field_key(key: str) -> None:
    """Raise :class:`InvalidPointError` unless ``key`` can name a field."""
    _check("field key", key, _stray_in_name)
    if key == "time" or key.startswith("_"):
        raise _reserved_name("field key", key)


def check_tag_value(key: str, value: str) -> None:
    """Raise :class:`InvalidPointError` unless ``value`` is empty or can be the value of tag ``key``."""
    if _unusual.search(value):
        _check(f"the value of tag {_abbreviate(key)}", value)


def check_default_tags(tags: Mapping[str, str]) -> None:
    """Raise :class:`InvalidPointError` unless these can be tags of every point, and leave room for its own."""
    for key, value in tags.items():
        check_tag_key(key)
        check_tag_value(key, value)
    size = sum(len(escape_tag(text).encode()) + 1 for item in tags.items() for text in item)
    if size > MAX_DEFAULT_TAGS_BYTES:
        raise InvalidPointError(
            f"the default tags take {size} bytes, above {MAX_DEFAULT_TAGS_BYTES}, half of the server's limit for "
            "all tags of a point; shorten them"
        )


def escape_measurement(name: str) -> str:
    """Escape comma and space, but not ``=``, whose backslash would stay in the name."""
    return name.replace(",", "\\,").replace(" ", "\\ ")


def escape_tag(text: str) -> str:
    """Escape comma, ``=`` and space in a tag key or tag value."""
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


escape_field_key: Callable[[str], str] = escape_tag


def escape_string(text: str) -> str:
    """Escape ``"`` and backslash in a string field; add no quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def is_unfindable_measurement(name: str) -> bool:
    """Whether the server would store ``name``, but no query would find it."""
    return "\\" in name and _stray_in_name.search(name) is not None


def unescape_measurement(text: str) -> str:
    """Inverse of :func:`escape_measurement`."""
    return _escaped_in_measurement.sub(r"\1", text) if "\\" in text else text


def unescape_key(text: str) -> str:
    """Inverse of :func:`escape_tag`."""
    return _escaped_in_key.sub(r"\1", text) if "\\" in text else text


def unescape_field_key(text: str) -> str:
    """Inverse of :func:`escape_field_key`; the server also removes a backslash before a quote."""
    return _escaped_in_field_key.sub(r"\1", text) if "\\" in text else text


def unescape_string(text: str) -> str:
    """Inverse of :func:`escape_string`."""
    return _escaped_in_string.sub(r"\1", text) if "\\" in text else text


def check_text(what: str, text: str) -> None:
    """Raise :class:`InvalidPointError` if ``text`` has no UTF-8 encoding."""
    if not text.isascii() and _surrogate.search(text):
        raise InvalidPointError(f"{what} {_abbreviate(text)} has a lone surrogate, which UTF-8 cannot encode")


def _check(what: str, text: str, stray: re.Pattern[str] = _stray_in_tag) -> None:
    if not text:
        raise InvalidPointError(f"{what} is empty; give it a name")
    if not _unusual.search(text):
        return
    if _control.search(text):
        raise InvalidPointError(
            f"{what} {_abbreviate(text)} has a control character (such as a newline); remove or replace it"
        )
    if match := stray.search(text):
        place = f"has a backslash before {text[match.end()]!r}" if text[match.end() :] else "ends with a backslash"
        raise InvalidPointError(
            f"{what} {_abbreviate(text)} {place}, which line protocol cannot represent; remove it"
        )
    check_text(what, text)


def _reserved_name(what: str, name: str) -> InvalidPointError:
    return InvalidPointError(f"{what} {_abbreviate(name)} is reserved by InfluxDB; choose another name")


def _abbreviate(text: str) -> str:
    return ascii(text) if len(text) <= 60 else ascii(text[:57]) + "…"
