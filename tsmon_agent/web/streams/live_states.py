"""How fresh streams, instruments and sites are, as pages show it and are told of it."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tsmon_agent.streams.freshness import FreshnessStatus, worst_status

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["States", "levels_of", "name_of"]


def name_of(level: FreshnessStatus) -> str:
    """The level's name in pages and scripts: ``silent-host``."""
    return level.label.replace(" ", "-")


def levels_of(context: "AgentContext") -> dict[str, dict[str, FreshnessStatus]]:
    """Levels of each instrument's streams by ``method stream``, as the last round found them."""
    found: dict[str, dict[str, FreshnessStatus]] = {}
    for one in context.freshness.streams:
        found.setdefault(one.reference_designator, {})[f"{one.method} {one.stream}"] = one.status
    return found


class States(msgspec.Struct, frozen=True):
    """Levels by the names that pages give to places: of sites, instruments, and ``instrument method stream``."""

    sites: Mapping[str, FreshnessStatus] = {}
    instruments: Mapping[str, FreshnessStatus] = {}
    streams: Mapping[str, FreshnessStatus] = {}

    @classmethod
    def now(cls, context: "AgentContext") -> "States":
        """All, as the last round found them."""
        levels = levels_of(context)
        return cls(
            sites=context.freshness.watch.worst_by_site(),
            instruments={name: worst_status(streams.values()) for name, streams in levels.items()},
            streams={
                f"{name} {stream}": level for name, streams in levels.items() for stream, level in streams.items()
            },
        )

    @classmethod
    def since(cls, context: "AgentContext", time_ns: int) -> "States":
        """Those that may have changed since a time: of streams that have, and of their instruments and sites."""
        changed = [one for one in context.freshness.streams if one.since_ns >= time_ns]
        of_sites, of_instruments = (
            context.freshness.watch.worst_by_site(),
            context.freshness.watch.worst_by_instrument(),
        )
        return cls(
            sites={one.site: of_sites[one.site] for one in changed},
            instruments={one.reference_designator: of_instruments[one.reference_designator] for one in changed},
            streams={f"{one.reference_designator} {one.method} {one.stream}": one.status for one in changed},
        )

    def changed(self, before: "States") -> "States":
        """Those that are other than before."""
        return States(
            *(
                {name: level for name, level in now.items() if was.get(name) is not level}
                for now, was in (
                    (self.sites, before.sites),
                    (self.instruments, before.instruments),
                    (self.streams, before.streams),
                )
            )
        )

    def message(self) -> dict[str, Any]:
        """What pages are told; ``at`` is the time in milliseconds, which they come back with."""
        parts = {"sites": self.sites, "instruments": self.instruments, "streams": self.streams}
        return {
            "type": "streams",
            "at": time.time_ns() // 1_000_000,
            **{key: {name: name_of(level) for name, level in part.items()} for key, part in parts.items()},
        }
