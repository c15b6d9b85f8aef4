"""Names of what people edit: they become tags of points, and are shown on pages and terminals."""

from typing import Final

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import check_tag_value
from tsmon.logs.safe_text import has_control_characters

__all__ = ["parse_name"]

LONGEST_NAME: Final = 255


def parse_name(value: object) -> str:
    """A name that can be a tag of points, trimmed."""
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}; give a text")
    name = value.strip()
    if not name:
        raise ValueError("is empty; give it a name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has {len(name)} characters; give at most {LONGEST_NAME}")
    if has_control_characters(name):
        raise ValueError(
            f"is {_quoted(name)}, with a character that is not seen but steers what shows it (a control character "
            "such as a newline, or a change of the direction of writing); remove it"
        )
    try:
        check_tag_value("name", name)
    except InvalidPointError:
        raise ValueError(
            f"is {_quoted(name)}, with a backslash at its end or before a space, or half of a character; line "
            "protocol cannot represent that, so remove it"
        ) from None
    return name


def _quoted(value: str) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
