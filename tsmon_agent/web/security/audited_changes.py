"""LoadResult over HTTP: each in one transaction with its entry in the audit."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from sqlalchemy.orm import Session

from tsmon_agent.auth import record_audit
from tsmon_agent.web.requests.identity import IDENTITY

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["audited"]

T = TypeVar("T")


async def audited(
    context: "AgentContext",
    request: web.Request,
    action: str,
    target: str | None,
    work: Callable[[Session], T],
    *,
    detail: Mapping[str, Any] | None = None,
) -> T:
    """Run ``work`` in a transaction and return its result; the audit records who sent the request."""
    actor = request[IDENTITY].actor

    def work_and_audit(session: Session) -> T:
        result = work(session)
        record_audit(session, actor, action, target, detail=detail)
        return result

    return await context.state.run(work_and_audit)
