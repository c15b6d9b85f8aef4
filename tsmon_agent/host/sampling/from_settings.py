"""The samplers that the settings select."""

from tsmon_agent.host.samplers import SAMPLERS, Sampler
from tsmon_agent.settings import AgentSettings

__all__ = ["build_samplers"]


def build_samplers(settings: AgentSettings) -> list[tuple[Sampler, float]]:
    """Samplers of this host with their intervals in seconds, each once, in the order of the settings."""
    return [
        (SAMPLERS[name](settings.host, SAMPLERS[name].options_from(settings)), settings.interval_of(name))
        for name in dict.fromkeys(settings.samplers)
    ]
