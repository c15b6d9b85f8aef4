"""The samplers that the settings name."""

from typing import Final

from tsmon_agent.host.samplers import (
    SAMPLERS,
    CpuOptions,
    DiskIOOptions,
    DiskOptions,
    NetworkOptions,
    Options,
    Sampler,
)
from tsmon_agent.settings import AgentSettings

__all__ = ["build_samplers"]

LONGEST_STATVFS_S: Final = 2.0


def build_samplers(settings: AgentSettings) -> list[tuple[Sampler, float]]:
    """Samplers of this host with their intervals in seconds, each named once, in the order of the settings."""
    options: dict[str, Options] = {
        "cpu": CpuOptions(percpu=settings.percpu),
        "disk": DiskOptions(
            mount_points=_tuple(settings.disks),
            # Asking takes at most twice as long, which then is still less than the limit of the round.
            timeout_s=min(LONGEST_STATVFS_S, 0.4 * settings.time_limit),
        ),
        "diskio": DiskIOOptions(devices=_tuple(settings.devices)),
        "net": NetworkOptions(interfaces=_tuple(settings.interfaces)),
    }
    return [
        (SAMPLERS[name](settings.host, options.get(name)), settings.interval_of(name))
        for name in dict.fromkeys(settings.samplers)
    ]


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
