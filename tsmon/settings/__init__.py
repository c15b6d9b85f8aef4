"""Settings: ``tsmon.toml``, ``TSMON_*`` variables, one model."""

from tsmon.settings.agent import AgentSettings, SamplerName
from tsmon.settings.availability import AvailabilitySettings
from tsmon.settings.freshness import FreshnessSettings
from tsmon.settings.loading import Settings, load_settings
from tsmon.settings.monitoring import MonitoringSettings
from tsmon.settings.rollups import RollupSettings
from tsmon.settings.state import StateSettings
from tsmon.settings.streams import StreamSettings
from tsmon.settings.web import WebSettings

__all__ = [
    "AgentSettings",
    "AvailabilitySettings",
    "FreshnessSettings",
    "MonitoringSettings",
    "RollupSettings",
    "SamplerName",
    "Settings",
    "StateSettings",
    "StreamSettings",
    "WebSettings",
    "load_settings",
]
