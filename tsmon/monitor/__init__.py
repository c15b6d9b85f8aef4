"""The async adapter that points are emitted to, and its blocking face."""

from tsmon.monitor.background import BackgroundMonitor
from tsmon.monitor.monitor import Monitor

__all__ = ["BackgroundMonitor", "Monitor"]
