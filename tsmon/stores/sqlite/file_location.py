"""Where the embedded store's file is."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tsmon.errors import StoreUnavailableError

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["check_creatable", "embedded_file"]


def embedded_file(settings: "MonitoringSettings") -> Path:
    """The file that the settings name, else ``tsmon.db`` in the platform's data directory."""
    if settings.file is not None:
        return settings.file
    from platformdirs import user_data_path

    return user_data_path("tsmon") / "tsmon.db"


def check_creatable(path: Path) -> None:
    """Raise :class:`~tsmon.errors.StoreUnavailableError` unless the file can be created."""
    above = next((one for one in path.absolute().parents if one.exists()), Path(path.anchor or "/"))
    if not above.is_dir():
        raise StoreUnavailableError(f"{path} cannot be created, because {above} is a file; name another path")
    if not os.access(above, os.W_OK | os.X_OK):
        raise StoreUnavailableError(
            f"{path} cannot be created, because {above} is not writable; grant access, or name another path"
        )
