"""Events in the running agent, for all parts that react to them, such as pages and notifications."""

from tsmon_agent.events.bus import Event, EventBus, Listener

__all__ = ["Event", "EventBus", "Listener"]
