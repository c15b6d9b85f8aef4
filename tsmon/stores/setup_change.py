"""One step of preparing a store for the agent, as ``tsmon-agent setup`` lists and applies it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["ReportProgress", "SetupChange", "ignore_progress"]

ReportProgress = Callable[[str, int, int], None]
"""Called during long work with the name of what is computed, how much of it is done, and how much there is."""


def ignore_progress(_name: str, _done: int, _total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class SetupChange:
    """A description for people, and the function that applies the change."""

    text: str
    apply: Callable[[ReportProgress], Awaitable[None]]
