"""What happens, for those who want to hear of it: pages, and whoever tells people."""

from tsmon_agent.events.bus import Event, EventBus, Listener

__all__ = ["Event", "EventBus", "Listener"]
