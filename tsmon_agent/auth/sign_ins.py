"""Sign-ins of browsers in the state: each has a secret of its own, and ends with its token."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tsmon_agent.auth.secrets import compute_digest, create_secret
from tsmon_agent.auth.tokens import Holder, holder_of
from tsmon_agent.state import SignIn, Token

__all__ = ["begin_sign_in", "end_sign_in", "find_sign_in_holder"]


def begin_sign_in(session: Session, holder: Holder, *, now_ns: int, lifetime_ns: int) -> str:
    """Begin a sign-in and return its secret; those that have expired are deleted."""
    session.execute(delete(SignIn).where(SignIn.expires_ns <= now_ns))
    secret = create_secret()
    expires_ns = min(now_ns + lifetime_ns, holder.expires_ns or now_ns + lifetime_ns)
    session.add(
        SignIn(token_id=holder.token_id, digest=compute_digest(secret), created_ns=now_ns, expires_ns=expires_ns)
    )
    session.flush()
    return secret


def find_sign_in_holder(session: Session, secret: str, now_ns: int) -> Holder | None:
    """Find who has signed in with this secret; None if nobody has, or the sign-in has expired."""
    query = select(SignIn, Token).join(Token, Token.id == SignIn.token_id)
    found = session.execute(query.where(SignIn.digest == compute_digest(secret))).one_or_none()
    if found is None:
        return None
    holder = holder_of(found[1], until_ns=found[0].expires_ns)
    return holder if holder.expires_ns is None or now_ns < holder.expires_ns else None


def end_sign_in(session: Session, secret: str) -> None:
    """End a sign-in; idempotent."""
    session.execute(delete(SignIn).where(SignIn.digest == compute_digest(secret)))
