"""What a sampler is: something that reads figures of this host and gives them as points."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tsmon.points import Point

__all__ = ["Options", "Sampler"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a sampler that has none, and the base of those of others."""


class Sampler(ABC):
    """Reads one subject, synchronously, in whatever thread calls it, but in one at a time.

    ``host`` becomes the host tag; ``options`` are of :attr:`options_type`, None for the defaults.
    """

    name: ClassVar[str]
    """Telegraf's name of the input, which is the measurement too."""

    options_type: ClassVar[type[Options]] = Options
    """Class of the options that the sampler takes."""

    def __init__(self, host: str, options: Options | None = None) -> None:
        self.host = host
        self.options = options or self.options_type()

    def prime(self) -> None:  # noqa: B027
        """Take a first reading of counters, for a single round that follows soon and needs an interval.

        Nothing for samplers whose points need none.
        """

    @abstractmethod
    def sample(self) -> list[Point]:
        """Points of one reading, all with its time; empty where there is nothing to tell this time.

        Raises :class:`~tsmon_agent.host.samplers.kernel_files.KernelFileError` where the subject cannot be read.
        """
