"""What happens to streams."""

from tsmon_agent.events.bus import Event
from tsmon_agent.streams.freshness.watch import FreshStream

__all__ = ["StreamChanged"]


class StreamChanged(Event, frozen=True):
    """The level of a stream has changed, or is bad when it is first looked at."""

    stream: FreshStream
