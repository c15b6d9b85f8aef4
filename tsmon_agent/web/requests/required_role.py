"""What a handler needs of who asks; declared beside it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from tsmon_agent.auth import Role

__all__ = ["for_everyone", "needed_role", "needs"]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_MARK: Final = "__tsmon_needs__"


def needs(role: Role) -> Callable[[Handler], Handler]:
    """Say that a handler is for those who have this role. One of which nothing is said is for administrators."""
    return _marking(role)


def for_everyone(handler: Handler) -> Handler:
    """Say that a handler is for whoever reaches the agent."""
    return _marking(None)(handler)


def needed_role(handler: object) -> Role | None:
    """Role that a handler needs; None where it is for everyone."""
    found = getattr(handler, _MARK, Role.ADMINISTER)
    return found if found is None or isinstance(found, Role) else Role.ADMINISTER


def _marking(role: Role | None) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        setattr(handler, _MARK, role)
        return handler

    return mark
