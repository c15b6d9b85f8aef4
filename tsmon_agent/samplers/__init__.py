"""What the agent measures of its host: one sampler per subject, under Telegraf's names."""

from tsmon_agent.samplers.base import Options, Sampler
from tsmon_agent.samplers.cpu import CpuOptions, CpuSampler
from tsmon_agent.samplers.diskio import DiskIOOptions, DiskIOSampler
from tsmon_agent.samplers.disks import DiskOptions, DiskSampler
from tsmon_agent.samplers.kernel_files import KernelFileError
from tsmon_agent.samplers.memory import MemorySampler
from tsmon_agent.samplers.network import NetworkOptions, NetworkSampler
from tsmon_agent.samplers.processes import ProcessesOptions, ProcessesSampler
from tsmon_agent.samplers.swap import SwapSampler
from tsmon_agent.samplers.system import SystemSampler

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
