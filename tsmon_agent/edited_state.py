"""The state for commands that edit it, while the agent runs too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tsmon.settings import Settings
    from tsmon_agent.state import Database

__all__ = ["configured_database", "opened_database"]


def configured_database(settings: "Settings") -> "Database":
    """The database that the settings name, not opened."""
    from tsmon_agent.configured import state_url
    from tsmon_agent.state import Database

    return Database(state_url(settings))


@contextmanager
def opened_database(settings: Path | None) -> Iterator["tuple[Settings, Database]"]:
    """The settings in a file (see :func:`tsmon.settings.load_settings`), and the database that they name, open."""
    from tsmon.settings import load_settings

    loaded = load_settings(settings)
    with configured_database(loaded) as database:
        yield loaded, database
