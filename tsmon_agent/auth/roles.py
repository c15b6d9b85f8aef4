"""Roles: what the holder of a token may do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

__all__ = ["Role", "is_allowed", "parse_roles"]


class Role(StrEnum):
    """``see`` pages and data; ``write`` points; ``operate`` streams, and see; ``administer`` all, also tokens."""

    SEE = "see"
    WRITE = "write"
    OPERATE = "operate"
    ADMINISTER = "administer"


_INCLUDED: Final = {
    Role.SEE: frozenset({Role.SEE}),
    Role.WRITE: frozenset({Role.WRITE}),
    Role.OPERATE: frozenset({Role.SEE, Role.OPERATE}),
    Role.ADMINISTER: frozenset(Role),
}


def is_allowed(roles: Iterable[Role], needed: Role) -> bool:
    """Whether one of the roles is the needed one, or includes it."""
    return any(needed in _INCLUDED[role] for role in roles)


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Parse the names of roles; names that this program does not know are ignored, and allow nothing."""
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in names if name in known)
