"""Where the state's database is."""

from pathlib import Path

from tsmon.stores.sqlite.file_location import embedded_file
from tsmon_agent.settings import Settings

__all__ = ["state_url"]


def state_url(settings: Settings) -> str | Path:
    """URL of the state's database as it is set; by default ``state.db`` beside the file of the embedded store."""
    if settings.state.url is not None:
        return settings.state.url.get_secret_value()
    return embedded_file(settings.monitoring).with_name("state.db")
