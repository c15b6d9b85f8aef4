"""Section ``[freshness]``: how often the freshness of expected streams is determined."""

from pydantic import Field

from tsmon.settings.section import Section

__all__ = ["FreshnessSettings"]


class FreshnessSettings(Section):
    """Freshness of expected streams; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    interval: float = Field(default=60.0, ge=1.0)
    silent_after: float = Field(default=900.0, gt=0)
