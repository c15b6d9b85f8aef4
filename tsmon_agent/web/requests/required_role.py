"""The role that a handler requires, declared beside it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from tsmon_agent.auth import Role

__all__ = ["for_everyone", "required_role", "requires_role"]

Handler = TypeVar("Handler", bound=Callable[..., Any])

_MARK: Final = "__tsmon_role__"


def requires_role(role: Role) -> Callable[[Handler], Handler]:
    """Declare the role that a handler requires. A handler without a declaration is for administrators."""
    return _marking(role)


def for_everyone(handler: Handler) -> Handler:
    """Declare that everyone who reaches the agent may use a handler."""
    return _marking(None)(handler)


def required_role(handler: object) -> Role | None:
    """The role that a handler requires; None where it is for everyone."""
    found = getattr(handler, _MARK, Role.ADMINISTER)
    return found if found is None or isinstance(found, Role) else Role.ADMINISTER


def _marking(role: Role | None) -> Callable[[Handler], Handler]:
    def mark(handler: Handler) -> Handler:
        setattr(handler, _MARK, role)
        return handler

    return mark
