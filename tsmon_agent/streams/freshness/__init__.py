"""How fresh expected streams are, as the newest round has found them."""

from tsmon_agent.streams.freshness.statuses import FreshnessStatus, judge_age, worst_status
from tsmon_agent.streams.freshness.watch import FreshnessWatch, JudgedStream

__all__ = ["FreshnessStatus", "FreshnessWatch", "JudgedStream", "judge_age", "worst_status"]
