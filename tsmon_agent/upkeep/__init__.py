"""What the running agent does for its store, and reports about itself."""

from tsmon_agent.upkeep.file_watch import FileWatch
from tsmon_agent.upkeep.periodic_round import PeriodicRound
from tsmon_agent.upkeep.self_metrics import SelfMetrics
from tsmon_agent.upkeep.store_upkeep import StoreUpkeep

__all__ = ["FileWatch", "PeriodicRound", "SelfMetrics", "StoreUpkeep"]
