"""The agent's sections of ``tsmon.toml``, and the model of all settings."""

from tsmon_agent.settings.availability import AvailabilitySettings
from tsmon_agent.settings.freshness import FreshnessSettings
from tsmon_agent.settings.host import AgentSettings, SamplerName
from tsmon_agent.settings.model import Settings, load_settings
from tsmon_agent.settings.rollups import RollupSettings
from tsmon_agent.settings.state import StateSettings
from tsmon_agent.settings.streams import StreamSettings
from tsmon_agent.settings.web import WebSettings

__all__ = [
    "AgentSettings",
    "AvailabilitySettings",
    "FreshnessSettings",
    "RollupSettings",
    "SamplerName",
    "Settings",
    "StateSettings",
    "StreamSettings",
    "WebSettings",
    "load_settings",
]
