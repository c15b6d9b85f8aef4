"""The Monitor, the async adapter that takes points."""

from tsmon.monitor.monitor import Monitor

__all__ = ["Monitor"]
