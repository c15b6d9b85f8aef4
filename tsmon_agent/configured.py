"""The samplers that the settings name."""

from tsmon.settings import AgentSettings, SamplerName
from tsmon_agent.samplers import SAMPLERS, Sampler

__all__ = ["samplers_from"]


def samplers_from(settings: AgentSettings) -> list[tuple[Sampler, float]]:
    """Samplers of this host with their intervals in seconds, each named once, in the order of the settings."""
    return [(_sampler(name, settings), settings.interval_of(name)) for name in dict.fromkeys(settings.samplers)]


def _sampler(name: SamplerName, settings: AgentSettings) -> Sampler:
    return SAMPLERS[name](host=settings.host)
