"""The interface of a sampler: it reads figures of this host and returns them as points."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tsmon.points import Point
from tsmon_agent.settings import AgentSettings

__all__ = ["Options", "Sampler"]


@dataclass(frozen=True, slots=True)
class Options:
    """Base class of options; itself the options of a sampler that has none."""


class Sampler(ABC):
    """Reads one subject, synchronously, in any thread, but never in two threads at once.

    ``host`` becomes the host tag; ``options`` are an :attr:`options_type`, None for the defaults.
    """

    name: ClassVar[str]
    """The name in the settings, which is also the measurement: Telegraf's name of the input, if it has one."""

    options_type: ClassVar[type[Options]] = Options
    """Class of the options that the sampler takes."""

    def __init__(self, host: str, options: Options | None = None) -> None:
        self.host = host
        self.options = options or self.options_type()

    @classmethod
    def options_from(cls, settings: AgentSettings) -> Options:
        """Options by the keys of ``[agent]``; the defaults unless a sampler overrides this."""
        return cls.options_type()

    def prime(self) -> None:  # noqa: B027
        """Take a first reading of counters, for a single round that follows soon and needs an interval.

        Does nothing in samplers whose points need no interval.
        """

    @abstractmethod
    def sample(self) -> list[Point]:
        """Points of one reading, all with its time; empty if there is nothing to report this time.

        Raises :class:`~tsmon_agent.host.samplers.kernel_files.KernelFileError` if the subject cannot be read.
        """
