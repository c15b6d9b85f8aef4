"""Where the live messages of a page come from, declared by the page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tsmon_agent.context import AgentContext

__all__ = ["LiveSource"]


@dataclass(frozen=True, slots=True)
class LiveSource:
    """Messages in JSON for all open pages of one name (``/live?page=NAME``)."""

    page: str
    messages: "Callable[[AgentContext, float], AsyncIterator[bytes]]"
    """Endless; started while a page is open. A message comes at least every so many seconds (the second argument),
    since a page takes a silent connection for dead."""

    missed: "Callable[[AgentContext, int], bytes] | None" = None
    """What has changed since a time (nanoseconds), for a page that was made then, or that lost its connection."""
