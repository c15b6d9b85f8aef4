"""Settings: ``tsmon.toml``, ``TSMON_*`` variables, one model."""

from tsmon.settings.loading import Settings, load_settings
from tsmon.settings.monitoring import MonitoringSettings

__all__ = ["MonitoringSettings", "Settings", "load_settings"]
