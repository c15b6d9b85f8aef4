"""Backups: the points of the embedded store, the state, what waits on disk, and where the settings are."""

from tsmon_agent.backup.create import create_backup
from tsmon_agent.backup.manifest import PARTS, Manifest, Part, read_backup
from tsmon_agent.backup.restore import Restored, restore_backup
from tsmon_agent.backup.whereabouts import find_settings_file

__all__ = [
    "PARTS",
    "Manifest",
    "Part",
    "Restored",
    "create_backup",
    "find_settings_file",
    "read_backup",
    "restore_backup",
]
