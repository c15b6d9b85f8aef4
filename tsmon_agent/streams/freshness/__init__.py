"""How fresh expected streams are, round by round."""

from tsmon_agent.streams.freshness.levels import Level, level_of, worst
from tsmon_agent.streams.freshness.watch import FreshStream, Watch

__all__ = ["FreshStream", "Level", "Watch", "level_of", "worst"]
