"""Changes over HTTP: each in one transaction with its entry in the audit."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import (
    AccessError,
    InvalidRowsError,
    StateConflictError,
    StateError,
    TsmonError,
    UnknownNameError,
)
from tsmon_agent.auth import record_audit
from tsmon_agent.web.requests.identity import WHO

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["asked", "changed", "faulted"]

T = TypeVar("T")


async def changed(
    context: "AgentContext",
    request: web.Request,
    action: str,
    target: str | None,
    work: Callable[[Session], T],
    *,
    detail: Mapping[str, Any] | None = None,
) -> T:
    """What ``work`` returns; who asked for it is in the audit. Raises what :func:`faulted` makes of mistakes."""
    actor = request[WHO].actor

    def both(session: Session) -> T:
        result = work(session)
        record_audit(session, actor, action, target, detail=detail)
        return result

    return await asked(context, both)


async def asked(context: "AgentContext", work: Callable[[Session], T]) -> T:
    """What ``work`` returns, in one transaction; raises what :func:`faulted` makes of mistakes."""
    try:
        return await context.state.run(work)
    except TsmonError as error:
        raise faulted(error) from error


def faulted(error: TsmonError) -> web.HTTPException:
    """A mistake as an answer: 404, 409, 422 or 503, with its sentence."""
    text = str(error).replace("\n", "; ")
    sentence = f"{text[:1].upper()}{text[1:]}."
    if isinstance(error, UnknownNameError):
        return web.HTTPNotFound(text=sentence)
    if isinstance(error, StateConflictError):
        return web.HTTPConflict(text=sentence)
    if isinstance(error, InvalidRowsError | AccessError):
        return web.HTTPUnprocessableEntity(text=sentence)
    if isinstance(error, StateError):
        return web.HTTPServiceUnavailable(text=f"The state does not answer: {error}.")
    raise error
