"""Samplers that do as a test tells them."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tsmon import Point
from tsmon.line_protocol import Tag
from tsmon_agent.host.samplers import Options, Sampler

__all__ = ["Gauge", "Made", "MadeOptions", "WithInterval", "gauge"]


class Gauge(Point, measurement="gauge"):
    """A point of a test's sampler."""

    host: Tag[str]
    value: float


def gauge(value: float = 1.0, *, time_ns: int | None = None) -> Gauge:
    return Gauge(host="h", value=value, time=time_ns)


@dataclass(frozen=True, slots=True)
class MadeOptions(Options):
    label: str = ""


class Made(Sampler):
    """Gives what ``give`` gives, and counts the rounds that were begun."""

    name = "made"
    options_type = MadeOptions

    def __init__(
        self,
        give: Callable[[], Iterable[Any]] = lambda: [gauge()],
        *,
        name: str = "made",
        host: str = "h",
        label: str = "",
    ) -> None:
        super().__init__(host, MadeOptions(label))
        self.name = name  # type: ignore[misc]
        self.give = give
        self.begun = 0
        self.primed = 0
        self.thread = ""

    def sample(self) -> list[Point]:
        self.begun += 1
        self.thread = threading.current_thread().name
        return self.give()  # type: ignore[return-value]


class WithInterval(Made):
    """One whose points are about the time since the reading before."""

    def prime(self) -> None:
        self.primed += 1
