"""Enabling and disabling streams over HTTP."""

from typing import TYPE_CHECKING

from aiohttp import web

from tsmon_agent.streams.inventory import set_enabled
from tsmon_agent.web.security import audited

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["set_streams_enabled"]


async def set_streams_enabled(context: "AgentContext", request: web.Request, *names: str, enabled: bool) -> None:
    """Enable or disable a stream, or all streams of an instrument; raises :class:`~tsmon.errors.StateError`."""
    await audited(
        context,
        request,
        "enable streams" if enabled else "disable streams",
        " ".join(names),
        lambda session: set_enabled(session, *names, enabled=enabled),
    )
    context.request_freshness_round()
