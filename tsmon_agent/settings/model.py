"""All settings of the agent: the library's section and the agent's."""

from pathlib import Path

from tsmon.settings import Settings as LibrarySettings
from tsmon.settings.loading import load
from tsmon_agent.settings.availability import AvailabilitySettings
from tsmon_agent.settings.freshness import FreshnessSettings
from tsmon_agent.settings.host import AgentSettings
from tsmon_agent.settings.rollups import RollupSettings
from tsmon_agent.settings.state import StateSettings
from tsmon_agent.settings.streams import StreamSettings
from tsmon_agent.settings.web import WebSettings

__all__ = ["Settings", "load_settings"]


class Settings(LibrarySettings):
    """All settings, by section.

    Each of the agent's sections is also an entry point of the group ``tsmon.settings`` in ``pyproject.toml``, by
    which the library checks it in a file that both read.
    """

    agent: AgentSettings = AgentSettings()
    web: WebSettings = WebSettings()
    state: StateSettings = StateSettings()
    streams: StreamSettings = StreamSettings()
    rollups: RollupSettings = RollupSettings()
    availability: AvailabilitySettings = AvailabilitySettings()
    freshness: FreshnessSettings = FreshnessSettings()


def load_settings(path: Path | str | None = None) -> Settings:
    """All settings from a TOML file and from ``TSMON_*`` variables; see :func:`tsmon.settings.load_settings`."""
    return load(path, Settings)
