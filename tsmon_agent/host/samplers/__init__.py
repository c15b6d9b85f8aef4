"""What the agent measures of its host: one sampler per subject, under Telegraf's names."""

from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.cpu import CpuOptions, CpuSampler
from tsmon_agent.host.samplers.disk import DiskOptions, DiskSampler
from tsmon_agent.host.samplers.diskio import DiskIOOptions, DiskIOSampler
from tsmon_agent.host.samplers.kernel_files import KernelFileError
from tsmon_agent.host.samplers.memory import MemorySampler
from tsmon_agent.host.samplers.network import NetworkOptions, NetworkSampler
from tsmon_agent.host.samplers.processes import ProcessesOptions, ProcessesSampler
from tsmon_agent.host.samplers.swap import SwapSampler
from tsmon_agent.host.samplers.system import SystemSampler

__all__ = [
    "SAMPLERS",
    "CpuOptions",
    "CpuSampler",
    "DiskIOOptions",
    "DiskIOSampler",
    "DiskOptions",
    "DiskSampler",
    "KernelFileError",
    "MemorySampler",
    "NetworkOptions",
    "NetworkSampler",
    "Options",
    "ProcessesOptions",
    "ProcessesSampler",
    "Sampler",
    "SwapSampler",
    "SystemSampler",
]

SAMPLERS: dict[str, type[Sampler]] = {
    sampler.name: sampler
    for sampler in (
        CpuSampler,
        DiskSampler,
        DiskIOSampler,
        MemorySampler,
        NetworkSampler,
        ProcessesSampler,
        SwapSampler,
        SystemSampler,
    )
}
"""Classes of the samplers by name."""
