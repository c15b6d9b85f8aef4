"""Zones of times that the names of their columns state, as in ``Date Time, GMT-04:00`` and ``Time (CET)``."""

import re
from typing import Final

__all__ = ["find_clock_name", "find_offset"]

_offset: Final = re.compile(
    "(?:GMT|UTC) ?([+\u2212-])([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9])"
    "|[\\[( ]([+\u2212-])([0-9]{2}):([0-9]{2})(?![0-9:])"
)
_local: Final = re.compile(
    r"(?<![A-Za-z])(?:A[CEW]?[SD]T|AK[SD]?T|BST|[CEMP][SD]T|CES?T|EES?T|HKT|H[SD]?T|IST|JST|KST|LMT|LST|LT|MES?[TZ]|MSK|NZ[SD]?T"
    r"|N[SD]T|SAST|SGT|WES?T|BR[ST]T?|ART|CLT|PET|PHT|WIB)(?![A-Za-z])"
    r"|LOCAL|Local|(?<![a-z])local|Ortszeit|Sommerzeit|Winterzeit|(?<![A-Za-z])[A-Z][a-z]+/[A-Z][A-Za-z_]+"
)
"""Names of clocks other than UTC, as names of columns have them; most abbreviations mean several zones."""


def find_offset(name: str) -> str | None:
    """The offset from UTC that the name of a column states, as in ``Date Time, GMT-04:00``."""
    found = _offset.search(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups()[:3] if found[1] else found.groups()[3:]
    offset = f"{'+' if sign == '+' else '-'}{int(hours):02}:{minutes or '00'}"
    return offset if offset[1:] != "00:00" else None


def find_clock_name(name: str) -> str | None:
    """The clock other than UTC that the name of a column states without its offset, as in ``Local Time``."""
    found = _local.search(name)
    return found[0] if found else None
