"""How fresh expected streams are, round by round."""

from tsmon_agent.streams.freshness.statuses import FreshnessStatus, judge_age, worst_status
from tsmon_agent.streams.freshness.watch import FreshnessWatch, JudgedStream

__all__ = ["FreshnessStatus", "FreshnessWatch", "JudgedStream", "judge_age", "worst_status"]
