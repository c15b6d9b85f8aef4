"""Section ``[agent]``: what ``tsmon-agent`` measures on its host."""

import socket
from typing import Literal

from pydantic import Field

from tsmon.settings.monitoring import Comma, Section

__all__ = ["AgentSettings"]

SamplerName = Literal["cpu", "disk", "diskio", "mem", "net", "processes", "swap", "system"]


class AgentSettings(Section):
    """What ``tsmon-agent`` measures, and how often; see ``tsmon.toml`` for the meaning of each key."""

    host: str = Field(default_factory=socket.gethostname, min_length=1)
    interval: float = Field(default=10.0, gt=0)
    samplers: list[SamplerName] = ["cpu", "disk", "diskio", "mem", "net", "processes", "swap", "system"]
    disks: Comma | None = None
    interfaces: Comma | None = None
