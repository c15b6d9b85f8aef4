"""The registry of samplers: a name for ``[agent]``, and the class that it stands for.

A new sampler is one line here. The settings are a layer below the samplers, so a line names a class without
importing it; :mod:`tsmon_agent.host.samplers.registry` imports them.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["REGISTERED_SAMPLERS"]

REGISTERED_SAMPLERS: Final[Mapping[str, str]] = {
    "cpu": "tsmon_agent.host.samplers.cpu:CpuSampler",
    "disk": "tsmon_agent.host.samplers.disk:DiskSampler",
    "diskio": "tsmon_agent.host.samplers.diskio:DiskIOSampler",
    "mem": "tsmon_agent.host.samplers.memory:MemorySampler",
    "net": "tsmon_agent.host.samplers.network:NetworkSampler",
    "processes": "tsmon_agent.host.samplers.processes:ProcessesSampler",
    "swap": "tsmon_agent.host.samplers.swap:SwapSampler",
    "system": "tsmon_agent.host.samplers.system:SystemSampler",
}
"""Module and class of each sampler. All of them run unless ``agent.samplers`` names fewer."""
