"""Names of what people edit: they become tags of points, and pages and terminals show them."""

from typing import Final

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import check_tag_value
from tsmon.logs.safe_text import has_control_characters
from tsmon_agent.state.quoted_values import quote_value

__all__ = ["parse_name"]

LONGEST_NAME: Final = 255


def parse_name(value: object) -> str:
    """Trim a name and check that it can be a tag of points.

    Raises ValueError with the mistake and its remedy, worded to follow what the name is of.
    """
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}; give a text")
    name = value.strip()
    if not name:
        raise ValueError("is empty; give it a name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"has {len(name)} characters; give at most {LONGEST_NAME}")
    if has_control_characters(name):
        raise ValueError(
            f"is {quote_value(name)}, with an invisible control character (such as a newline, or a change of the "
            "writing direction); remove it"
        )
    try:
        check_tag_value("name", name)
    except InvalidPointError:
        raise ValueError(
            f"is {quote_value(name)}, with a backslash at its end or before a space, or half of a surrogate pair; "
            "line protocol cannot represent that, so remove it"
        ) from None
    return name
