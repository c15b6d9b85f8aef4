"""Where the state's database is."""

import functools
import tempfile
from pathlib import Path
from typing import Final

from tsmon.errors import NoPlaceError, SettingsError
from tsmon.files.user_places import NO_HOME, find_user_directory
from tsmon.logs.once import warn_once
from tsmon.stores.factory import EMBEDDED
from tsmon.stores.registry import choose_store
from tsmon.stores.sqlite.file_location import embedded_file, why_no_place
from tsmon.stores.sqlite.file_mark import file_identity
from tsmon_agent.settings import Settings
from tsmon_agent.state.urls import parse_url, sqlite_file_of

__all__ = ["running_state_url", "state_url"]

SQLITE_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")


def state_url(settings: Settings) -> str | Path:
    """URL of the state's database as it is set; by default ``state.db`` beside the file of the embedded store.

    Raises :class:`~tsmon.errors.SettingsError` if there is no place for it, or the embedded store uses it.
    """
    if settings.state.url is not None:
        url = settings.state.url.get_secret_value()
        file = sqlite_file_of(parse_url(url))
        if file is not None and _is_of_store(file, settings):
            raise SettingsError(f"state.url names {file}, which the embedded store uses; name another file")
        return url
    if settings.monitoring.file is None and find_user_directory("data") is None:
        raise SettingsError(f"there is no place for the state, because {NO_HOME}; set state.url")
    file = embedded_file(settings.monitoring).with_name("state.db")
    if _is_of_store(file, settings):
        raise SettingsError(
            f"monitoring.file names {settings.monitoring.file}, where the state would be; name another file, or "
            "set state.url"
        )
    return file


def _is_of_store(file: Path, settings: Settings) -> bool:
    """Whether the embedded store uses this file, or would use one of the state's."""
    if (choose_store(settings.monitoring) or EMBEDDED) != EMBEDDED:
        return False
    try:
        store = embedded_file(settings.monitoring)
    except NoPlaceError:
        return False
    names = {Path(f"{store.resolve()}{suffix}") for suffix in (*SQLITE_SUFFIXES, ".lock", ".handover")}
    own = {Path(f"{file.resolve()}{suffix}") for suffix in SQLITE_SUFFIXES}
    is_linked = file_identity(file) is not None and file_identity(file) == file_identity(store)
    return is_linked or file.resolve() in names or store.resolve() in own


def running_state_url(settings: Settings) -> str | Path:
    """URL of the state's database for an agent that runs: without a place, a temporary one, which is logged."""
    reason = None if settings.state.url is not None else why_no_place(settings.monitoring)
    if reason is None:
        return state_url(settings)
    warn_once(
        f"there is no place for the state, because {reason}; streams, deployments, tokens and the audit are kept "
        "only until this agent ends; set state.url"
    )
    return Path(_temporary_directory().name) / "state.db"


@functools.cache
def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    """One directory for the life of the process, which removes itself at the end."""
    try:
        return tempfile.TemporaryDirectory(prefix="tsmon-agent-")
    except OSError as error:
        raise SettingsError(
            f"there is no place for the state, not even a temporary one ({error.strerror}); set state.url"
        ) from None
