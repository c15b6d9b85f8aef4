"""The samplers: each reads one subject of the host and returns points under Telegraf's names."""

from tsmon_agent.host.samplers.base import Options, Sampler
from tsmon_agent.host.samplers.kernel_files import KernelFileError
from tsmon_agent.host.samplers.registry import SAMPLERS

__all__ = ["SAMPLERS", "KernelFileError", "Options", "Sampler"]
