"""How fresh streams and instruments are, as pages show it."""

from typing import TYPE_CHECKING, Any

from tsmon_agent.freshness import Level, worst

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

__all__ = ["levels_of", "name_of", "states_message"]


def name_of(level: Level) -> str:
    """The level's name in pages and scripts: ``silent-host``."""
    return level.word.replace(" ", "-")


def levels_of(agent: "Agent") -> dict[str, dict[str, Level]]:
    """Levels of each instrument's streams by ``method stream``, as the last round found them."""
    found: dict[str, dict[str, Level]] = {}
    for one in agent.freshness.streams:
        found.setdefault(one.reference_designator, {})[f"{one.method} {one.stream}"] = one.level
    return found


def states_message(agent: "Agent") -> dict[str, Any]:
    """What pages of streams are told."""
    levels = levels_of(agent)
    return {
        "type": "streams",
        "sites": {name: name_of(level) for name, level in agent.freshness.watch.of_sites().items()},
        "instruments": {name: name_of(worst(streams.values())) for name, streams in levels.items()},
        "streams": {
            f"{name} {stream}": name_of(level)
            for name, streams in levels.items()
            for stream, level in streams.items()
        },
    }
