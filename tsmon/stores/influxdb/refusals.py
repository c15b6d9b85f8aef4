"""What InfluxDB says about points that it refused: how many, and which field had another type before.

The server stores the other points of the batch. It names one of several type conflicts; of points beyond the
retention it reports only the number.
"""

import re
from typing import Final

from tsmon.errors import TypeConflict
from tsmon.line_protocol.parser import Unsigned

__all__ = ["count_refused", "find_conflict"]

_TYPES: Final = {"float": float, "integer": int, "boolean": bool, "string": str, "unsigned": Unsigned}
"""Types of parsed values, by the server's names for them."""

_dropped: Final = re.compile(r"dropped=(\d+)")
_conflict: Final = re.compile(
    rf'input field "(?P<field>.*)" on measurement "(?P<measurement>.*)" is type (?P<type>{"|".join(_TYPES)})\b'
)


def count_refused(message: str) -> int:
    """Number of refused points; 1 if the server does not report it."""
    match = _dropped.search(message)
    return int(match[1]) if match else 1


def find_conflict(message: str) -> TypeConflict | None:
    """The type conflict that the message names; None if it names none."""
    match = _conflict.search(message)
    return TypeConflict(match["measurement"], match["field"], _TYPES[match["type"]]) if match else None
