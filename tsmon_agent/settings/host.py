"""Section ``[agent]``: what ``tsmon-agent`` measures on its host, and how often."""

import socket
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from tsmon.line_protocol.escaping import check_tag_value
from tsmon.settings.field_types import CommaSeparated, FilePath, split_commas
from tsmon.settings.section import Section
from tsmon_agent.settings.samplers import REGISTERED_SAMPLERS

__all__ = ["AgentSettings", "SamplerName"]

if TYPE_CHECKING:
    SamplerName = str
else:
    SamplerName = Literal[tuple(REGISTERED_SAMPLERS)]


class AgentSettings(Section):
    """What ``tsmon-agent`` measures, and how often; see ``tsmon.toml`` for the meaning of each key."""

    host: str = Field(default_factory=socket.gethostname, min_length=1)
    interval: float = Field(default=10.0, ge=0.1)
    intervals: dict[SamplerName, float] = {}
    time_limit: float = Field(default=5.0, gt=0)
    samplers: Annotated[list[SamplerName], BeforeValidator(split_commas)] = list(REGISTERED_SAMPLERS)
    disks: CommaSeparated | None = None
    interfaces: CommaSeparated | None = None
    devices: CommaSeparated | None = None
    percpu: bool = True
    log_config: FilePath | None = None

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        check_tag_value("host", host)
        return host

    @model_validator(mode="after")
    def _check_intervals(self) -> Self:
        for name, seconds in self.intervals.items():
            if seconds < 0.1:
                raise ValueError(f"the interval of {name} is {seconds} s; set at least 0.1")
        return self

    def interval_of(self, sampler: SamplerName) -> float:
        """Seconds between two rounds of a sampler."""
        return self.intervals.get(sampler, self.interval)
