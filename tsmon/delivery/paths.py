"""Where the spools and the dead letters are on disk."""

from pathlib import Path

from tsmon.settings import MonitoringSettings
from tsmon.spool import Destination

__all__ = ["dead_letter_file", "spool_directory"]


def spool_directory(settings: MonitoringSettings) -> Path:
    """Directory of the spools: as configured, else in the platform's state directory."""
    if settings.spool_directory is not None:
        return settings.spool_directory.expanduser()
    from platformdirs import user_state_path

    return user_state_path("tsmon") / "spool"


def dead_letter_file(settings: MonitoringSettings, destination: Destination) -> Path:
    """File of the lines that this destination refused for good."""
    return spool_directory(settings) / "dead_letters" / f"{destination.directory_name}.jsonl"
