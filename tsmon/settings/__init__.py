"""Settings: ``tsmon.toml``, ``TSMON_*`` variables, and one model for both."""

from tsmon.settings.loading import load, load_settings
from tsmon.settings.model import Settings
from tsmon.settings.monitoring import MonitoringSettings
from tsmon.settings.section import Section

__all__ = ["MonitoringSettings", "Section", "Settings", "load", "load_settings"]
