"""Where the state's database is."""

import functools
import tempfile
from pathlib import Path

from tsmon.errors import SettingsError
from tsmon.files.user_places import NO_HOME, find_user_directory
from tsmon.logs.once import warn_once
from tsmon.stores.sqlite.file_location import embedded_file, why_no_place
from tsmon_agent.settings import Settings

__all__ = ["running_state_url", "state_url"]


def state_url(settings: Settings) -> str | Path:
    """URL of the state's database as it is set; by default ``state.db`` beside the file of the embedded store.

    Raises :class:`~tsmon.errors.SettingsError` if there is no place for it.
    """
    if settings.state.url is not None:
        return settings.state.url.get_secret_value()
    if settings.monitoring.file is None and find_user_directory("data") is None:
        raise SettingsError(f"there is no place for the state, because {NO_HOME}; set state.url")
    return embedded_file(settings.monitoring).with_name("state.db")


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
