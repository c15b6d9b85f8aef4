"""Tokens in the state: functions of a session, for commands and HTTP alike.

A token is shown once, when it is created; the state stores only its digest.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from tsmon.errors import AccessError, StateConflictError, UnknownNameError
from tsmon.time_units import MINUTE_NS
from tsmon_agent.auth.roles import Role, parse_roles
from tsmon_agent.auth.secrets import PREFIX, compute_digest, create_secret
from tsmon_agent.state import SignIn, Token
from tsmon_agent.state.names import parse_name

__all__ = [
    "Holder",
    "count_usable_tokens",
    "create_token",
    "find_token_holder",
    "holder_of",
    "query_tokens",
    "revoke_token",
    "rotate_token",
]

USED_EVERY_NS: Final = MINUTE_NS
"""How precisely the last use of a token is known: recording every use would make each request write."""


class Holder(msgspec.Struct, frozen=True):
    """The holder of a token, which is valid until ``expires_ns``, or without end."""

    token_id: int
    name: str
    roles: frozenset[Role]
    expires_ns: int | None


def create_token(
    session: Session, name: str, roles: Iterable[Role], *, now_ns: int, expires_ns: int | None = None
) -> str:
    """Create a token and return it, which is possible only once.

    Raises :class:`~tsmon.errors.AccessError` for an invalid name or expiry, and
    :class:`~tsmon.errors.StateConflictError` if a token has that name.
    """
    name = _parse_name(name)
    chosen = sorted(set(roles), key=list(Role).index)
    if not chosen:
        raise AccessError(f"the token {name} would have no role; give it one of {', '.join(Role)}")
    if session.scalar(select(Token.id).where(Token.name == name)) is not None:
        raise StateConflictError(f"there is a token {name} already; rotate it, or revoke it first")
    secret = create_secret(PREFIX)
    session.add(
        Token(
            name=name,
            roles=[role.value for role in chosen],
            digest=compute_digest(secret),
            created_ns=now_ns,
            expires_ns=_check_expiry(expires_ns, now_ns),
        )
    )
    session.flush()
    return secret


def rotate_token(session: Session, name: str, *, now_ns: int, expires_ns: int | UnsetType | None = UNSET) -> str:
    """Replace a token's secret, return the new one, and end the token's sign-ins; name and roles stay.

    Without ``expires_ns`` the token is valid for as long as before, counted from now. Raises
    :class:`~tsmon.errors.UnknownNameError` if no token has that name.
    """
    one = _get(session, name)
    secret = create_secret(PREFIX)
    if expires_ns is UNSET:
        expires_ns = None if one.expires_ns is None else now_ns + max(one.expires_ns - one.created_ns, 1)
    one.digest, one.created_ns, one.last_used_ns = compute_digest(secret), now_ns, None
    one.expires_ns = _check_expiry(expires_ns, now_ns)
    session.execute(delete(SignIn).where(SignIn.token_id == one.id))
    session.flush()
    return secret


def revoke_token(session: Session, name: str) -> None:
    """Delete a token and end its sign-ins; raises :class:`~tsmon.errors.UnknownNameError`."""
    one = _get(session, name)
    session.execute(delete(SignIn).where(SignIn.token_id == one.id))
    session.delete(one)
    session.flush()


def query_tokens(session: Session) -> Sequence[Token]:
    """Query all tokens, in order of their names."""
    return sorted(session.scalars(select(Token)), key=lambda one: one.name)


def count_usable_tokens(session: Session, now_ns: int) -> int:
    """Count the tokens that are valid now."""
    query = select(func.count()).where(or_(Token.expires_ns.is_(None), Token.expires_ns > now_ns))
    return session.scalar(query.select_from(Token)) or 0


def find_token_holder(session: Session, secret: str, now_ns: int) -> Holder | None:
    """Find whose token this is; None if it is nobody's, or has expired."""
    one = session.scalars(select(Token).where(Token.digest == compute_digest(secret))).one_or_none()
    if one is None or (one.expires_ns is not None and one.expires_ns <= now_ns):
        return None
    if one.last_used_ns is None or not 0 <= now_ns - one.last_used_ns < USED_EVERY_NS:
        one.last_used_ns = now_ns
    return holder_of(one)


def holder_of(token: Token, *, until_ns: int | None = None) -> Holder:
    """The holder of the token, until it expires or ``until_ns``, whichever is earlier."""
    ends = [end for end in (token.expires_ns, until_ns) if end is not None]
    return Holder(token.id, token.name, parse_roles(token.roles), min(ends, default=None))


def _get(session: Session, name: str) -> Token:
    found = session.scalars(select(Token).where(Token.name == name)).one_or_none()
    if found is None:
        raise UnknownNameError(f"there is no token {name!r}; see tsmon-agent token list")
    return found


def _parse_name(name: str) -> str:
    try:
        return parse_name(name)
    except ValueError as error:
        raise AccessError(f"the token's name {error}") from None


def _check_expiry(expires_ns: int | None, now_ns: int) -> int | None:
    if expires_ns is not None and expires_ns <= now_ns:
        raise AccessError("the token would have expired already; give a later end")
    return expires_ns
