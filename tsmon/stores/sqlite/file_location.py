"""Where the embedded store's file is."""

from pathlib import Path
from typing import TYPE_CHECKING

from tsmon.errors import NoPlaceError, StoreUnavailableError
from tsmon.files.user_places import NO_HOME, find_user_directory, is_data_directory_named, why_not_creatable

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["check_creatable", "check_place", "embedded_file", "why_no_place"]


def embedded_file(settings: "MonitoringSettings") -> Path:
    """The file that the settings name, else ``tsmon.db`` in the user's data directory.

    Raises :class:`~tsmon.errors.NoPlaceError` if there is no such directory.
    """
    if settings.file is not None:
        return settings.file
    directory = find_user_directory("data")
    if directory is None:
        raise _no_place(NO_HOME)
    return directory / "tsmon.db"


def why_no_place(settings: "MonitoringSettings") -> str | None:
    """Return why the default file can neither be found nor created.

    None if it can, or if the settings or the environment name the place: then opening it tells what is wrong.
    """
    if settings.file is not None or is_data_directory_named():
        return None
    directory = find_user_directory("data")
    if directory is None:
        return NO_HOME
    file = directory / "tsmon.db"
    try:
        if file.exists():
            return None
    except OSError as error:
        return f"{directory} cannot be searched ({error.strerror or error})"
    return why_not_creatable(file)


def check_place(settings: "MonitoringSettings") -> None:
    """Raise :class:`~tsmon.errors.NoPlaceError` if the default file can neither be found nor created."""
    reason = why_no_place(settings)
    if reason is not None:
        raise _no_place(reason)


def check_creatable(path: Path) -> None:
    """Raise :class:`~tsmon.errors.StoreUnavailableError` unless the file can be created."""
    reason = why_not_creatable(path)
    if reason is not None:
        remedy = "grant access, or name another path" if reason.endswith("writable") else "name another path"
        raise StoreUnavailableError(f"{path} cannot be created, because {reason}; {remedy}")


def _no_place(reason: str) -> NoPlaceError:
    return NoPlaceError(f"there is no place for the embedded store's file, because {reason}; set monitoring.file")
