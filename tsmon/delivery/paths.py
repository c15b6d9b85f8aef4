"""Where the spools and the dead letters are on disk."""

from pathlib import Path

from tsmon.files.user_places import find_user_directory
from tsmon.settings import MonitoringSettings
from tsmon.spool import Destination

__all__ = ["dead_letter_file", "spool_directory"]


def spool_directory(settings: MonitoringSettings) -> Path | None:
    """Directory of the spools: as configured, else in the user's state directory; None if the user has none."""
    if settings.spool_directory is not None:
        return settings.spool_directory
    state = find_user_directory("state")
    return None if state is None else state / "spool"


def dead_letter_file(settings: MonitoringSettings, destination: Destination) -> Path | None:
    """File of the lines that this destination refused for good; None if there is no place for it."""
    directory = spool_directory(settings)
    return None if directory is None else directory / "dead_letters" / f"{destination.directory_name}.jsonl"
