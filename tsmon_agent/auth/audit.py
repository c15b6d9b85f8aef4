"""The audit: who changed what, or tried to, stored together with the change."""

import getpass
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tsmon.time_units import SECOND_NS
from tsmon_agent.state import AuditEntry

__all__ = ["DONE", "REFUSED", "Actor", "audit_entry_to_json", "current_user", "query_audit", "record_audit"]

DONE: Final = "done"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes something, and the address that it is done from."""

    name: str
    address: str | None = None


def current_user() -> Actor:
    """The user who runs a command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"  # the user of a container may have no name
    return Actor(f"{name} (command)")


def record_audit(
    session: Session,
    actor: Actor,
    action: str,
    target: str | None = None,
    *,
    outcome: str = DONE,
    detail: Mapping[str, Any] | None = None,
    now_ns: int | None = None,
) -> None:
    """Record a change in the transaction that makes it, so that neither is stored without the other."""
    session.add(
        AuditEntry(
            time_ns=time.time_ns() if now_ns is None else now_ns,
            who=actor.name,
            address=actor.address,
            action=action,
            target=target,
            outcome=outcome,
            detail=dict(detail) if detail else None,
        )
    )


def query_audit(
    session: Session, *, most: int, before: int | None = None, who: str | None = None, target: str | None = None
) -> Sequence[AuditEntry]:
    """Query entries, the newest first: those with a number below ``before``, by ``who``, about ``target``."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if who is not None:
        query = query.where(AuditEntry.who == who)
    if target is not None:
        query = query.where(AuditEntry.target == target)
    return session.scalars(query).all()


def audit_entry_to_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry for JSON; its time is ISO 8601 in UTC."""
    seconds, rest = divmod(entry.time_ns, SECOND_NS)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "number": entry.id,
        "time": f"{moment}.{rest:09}Z",
        "who": entry.who,
        "address": entry.address,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "detail": entry.detail,
    }
