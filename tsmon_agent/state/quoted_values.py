"""Values as messages quote them."""

from typing import Final

__all__ = ["quote_value"]

LONGEST: Final = 60


def quote_value(value: object) -> str:
    """Format a value for a message; a long one is cut."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}…"
