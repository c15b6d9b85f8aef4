"""Tokens in the state: functions of a session, for commands and HTTP alike.

A token is shown once, where it is made; the state keeps its digest.
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
"""How exactly it is known when a token was used last: noting each use would write with each request."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a token that is good until ``expires_ns``, or for good."""

    token_id: int
    name: str
    roles: frozenset[Role]
    expires_ns: int | None


def create_token(
    session: Session, name: str, roles: Iterable[Role], *, now_ns: int, expires_ns: int | None = None
) -> str:
    """Make a token and return it, which nobody can do a second time.

    Raises :class:`~tsmon.errors.AccessError` for a name or an end that no token can have, and
    :class:`~tsmon.errors.StateConflictError` where there is one of that name.
    """
    name = _checked(name)
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
            expires_ns=_in_future(expires_ns, now_ns),
        )
    )
    session.flush()
    return secret


def rotate_token(session: Session, name: str, *, now_ns: int, expires_ns: int | UnsetType | None = UNSET) -> str:
    """Give a token a new secret, return it, and end all that the old one began; name and roles stay.

    Without ``expires_ns`` it is good as long as before, counted from now. Raises
    :class:`~tsmon.errors.UnknownNameError` where there is none such.
    """
    one = _known(session, name)
    secret = create_secret(PREFIX)
    if expires_ns is UNSET:
        expires_ns = None if one.expires_ns is None else now_ns + max(one.expires_ns - one.created_ns, 1)
    one.digest, one.created_ns, one.last_used_ns = compute_digest(secret), now_ns, None
    one.expires_ns = _in_future(expires_ns, now_ns)
    session.execute(delete(SignIn).where(SignIn.token_id == one.id))
    session.flush()
    return secret


def revoke_token(session: Session, name: str) -> None:
    """Make a token worthless, and end all that it began; raises :class:`~tsmon.errors.UnknownNameError`."""
    one = _known(session, name)
    session.execute(delete(SignIn).where(SignIn.token_id == one.id))
    session.delete(one)
    session.flush()


def query_tokens(session: Session) -> Sequence[Token]:
    """All tokens in order of their names."""
    return sorted(session.scalars(select(Token)), key=lambda one: one.name)


def count_usable_tokens(session: Session, now_ns: int) -> int:
    """How many tokens are good now."""
    query = select(func.count()).where(or_(Token.expires_ns.is_(None), Token.expires_ns > now_ns))
    return session.scalar(query.select_from(Token)) or 0


def find_token_holder(session: Session, secret: str, now_ns: int) -> Holder | None:
    """Whose token that is; None where it is nobody's, or not good any more."""
    one = session.scalars(select(Token).where(Token.digest == compute_digest(secret))).one_or_none()
    if one is None or (one.expires_ns is not None and one.expires_ns <= now_ns):
        return None
    if one.last_used_ns is None or not 0 <= now_ns - one.last_used_ns < USED_EVERY_NS:
        one.last_used_ns = now_ns
    return holder_of(one)


def holder_of(token: Token, *, until_ns: int | None = None) -> Holder:
    """Who holds the token, until it expires or ``until_ns``, whatever comes first."""
    ends = [end for end in (token.expires_ns, until_ns) if end is not None]
    return Holder(token.id, token.name, parse_roles(token.roles), min(ends, default=None))


def _known(session: Session, name: str) -> Token:
    found = session.scalars(select(Token).where(Token.name == name)).one_or_none()
    if found is None:
        raise UnknownNameError(f"there is no token {name!r}; see tsmon-agent token list")
    return found


def _checked(name: str) -> str:
    try:
        return parse_name(name)
    except ValueError as error:
        raise AccessError(f"the token's name {error}") from None


def _in_future(expires_ns: int | None, now_ns: int) -> int | None:
    if expires_ns is not None and expires_ns <= now_ns:
        raise AccessError("the token would have expired already; give a later end")
    return expires_ns
