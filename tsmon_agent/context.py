"""The parts of the running agent that pages and rounds use."""

from collections.abc import Callable
from dataclasses import dataclass

from tsmon import Monitor
from tsmon.stores import Store
from tsmon_agent.events import EventBus
from tsmon_agent.host.sampling.live_feed import LiveFeed
from tsmon_agent.host.sampling.scheduler import Sampling
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.streams.freshness.rounds import FreshnessRounds

__all__ = ["AgentContext"]


@dataclass(slots=True, kw_only=True)
class AgentContext:
    """The parts of one agent; a reload replaces ``settings`` and ``state``, the rest stays."""

    settings: Settings
    monitor: Monitor
    """Takes points, and counts them."""
    state: State
    """What people edit."""
    live: LiveFeed
    """The newest round of each sampler."""
    events: EventBus
    """Publishes what happens to open pages and other subscribers."""
    sampling: Sampling
    """Schedule and health of the samplers."""
    freshness: FreshnessRounds
    """How fresh expected streams are."""
    request_freshness_round: Callable[[], None]
    """Starts a round of freshness now; call it after a change of streams or deployments."""

    @property
    def store(self) -> Store:
        """Where points are written, and which answers the pages' queries."""
        return self.monitor.store
