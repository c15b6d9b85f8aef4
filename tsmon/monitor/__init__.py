"""The Monitor, the async adapter that takes points, and its blocking face."""

from tsmon.monitor.background import BackgroundMonitor
from tsmon.monitor.monitor import Monitor

__all__ = ["BackgroundMonitor", "Monitor"]
