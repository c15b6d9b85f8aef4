"""What the pages and the rounds use of the running agent, and nothing else of it."""

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
    """The parts of one agent; reloading the settings exchanges ``settings`` and ``state``, the rest stays."""

    settings: Settings
    monitor: Monitor
    """Takes points, and knows the accounting."""
    state: State
    """What people edit."""
    live: LiveFeed
    """The newest round of each sampler."""
    events: EventBus
    """What happens, as it does."""
    sampling: Sampling
    """When the samplers are read, and how they do."""
    freshness: FreshnessRounds
    """How fresh expected streams are."""
    look_at_streams: Callable[[], None]
    """Asks for a round of freshness soon, as something about the streams has changed."""

    @property
    def store(self) -> Store:
        """Where points go, and which answers the pages' queries."""
        return self.monitor.store
