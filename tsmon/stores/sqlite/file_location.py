"""Where the embedded store's file is."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["embedded_file"]


def embedded_file(settings: "MonitoringSettings") -> Path:
    """The file that the settings name, else ``tsmon.db`` in the platform's data directory."""
    if settings.file is not None:
        return settings.file
    from platformdirs import user_data_path

    return user_data_path("tsmon") / "tsmon.db"
