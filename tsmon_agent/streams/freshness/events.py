"""Events about streams."""

from tsmon_agent.events.bus import Event
from tsmon_agent.streams.freshness.watch import JudgedStream

__all__ = ["StreamStatusChanged"]


class StreamStatusChanged(Event, frozen=True):
    """The status of a stream has changed, or was bad in the first round that saw the stream."""

    stream: JudgedStream
