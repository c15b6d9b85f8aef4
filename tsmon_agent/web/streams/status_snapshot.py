"""Statuses of streams, instruments and sites, as pages show them and get them live."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from tsmon.time_units import MILLISECOND_NS
from tsmon_agent.streams.freshness import FreshnessStatus, worst_status

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["StatusSnapshot", "badge_of", "missed_statuses", "status_messages", "statuses_by_instrument"]


def badge_of(status: FreshnessStatus) -> str:
    """Name of a status in pages and scripts: ``silent-host``."""
    return status.label.replace(" ", "-")


def statuses_by_instrument(context: "AgentContext") -> dict[str, dict[str, FreshnessStatus]]:
    """Statuses of each instrument's streams by ``method stream``, from the last round."""
    found: dict[str, dict[str, FreshnessStatus]] = {}
    for one in context.freshness.streams:
        found.setdefault(one.reference_designator, {})[f"{one.method} {one.stream}"] = one.status
    return found


class StatusSnapshot(msgspec.Struct, frozen=True):
    """Statuses of sites, of instruments, and of streams by ``instrument method stream``."""

    sites: Mapping[str, FreshnessStatus] = {}
    instruments: Mapping[str, FreshnessStatus] = {}
    streams: Mapping[str, FreshnessStatus] = {}

    @classmethod
    def take(cls, context: "AgentContext") -> "StatusSnapshot":
        """All statuses from the last round."""
        statuses = statuses_by_instrument(context)
        return cls(
            sites=context.freshness.watch.worst_by_site(),
            instruments={name: worst_status(streams.values()) for name, streams in statuses.items()},
            streams={
                f"{name} {stream}": status
                for name, streams in statuses.items()
                for stream, status in streams.items()
            },
        )

    @classmethod
    def take_since(cls, context: "AgentContext", time_ns: int) -> "StatusSnapshot":
        """Statuses of streams that have changed since a time, and of their instruments and sites."""
        changed = [one for one in context.freshness.streams if one.since_ns >= time_ns]
        by_site = context.freshness.watch.worst_by_site()
        by_instrument = context.freshness.watch.worst_by_instrument()
        return cls(
            sites={one.site: by_site[one.site] for one in changed},
            instruments={one.reference_designator: by_instrument[one.reference_designator] for one in changed},
            streams={f"{one.reference_designator} {one.method} {one.stream}": one.status for one in changed},
        )

    def changes_since(self, before: "StatusSnapshot") -> "StatusSnapshot":
        """Those that differ from an earlier snapshot."""
        return StatusSnapshot(
            *(
                {name: status for name, status in now.items() if was.get(name) is not status}
                for now, was in (
                    (self.sites, before.sites),
                    (self.instruments, before.instruments),
                    (self.streams, before.streams),
                )
            )
        )

    def encode(self) -> bytes:
        """The message for pages; ``at`` is the time in milliseconds, which they send when they reconnect."""
        parts = {"sites": self.sites, "instruments": self.instruments, "streams": self.streams}
        return msgspec.json.encode(
            {
                "type": "streams",
                "at": time.time_ns() // MILLISECOND_NS,
                **{key: {name: badge_of(status) for name, status in part.items()} for key, part in parts.items()},
            }
        )


async def status_messages(context: "AgentContext", beat_s: float) -> AsyncIterator[bytes]:
    """What has changed, after each round that found a change and at least every ``beat_s`` seconds."""
    with context.events.listen() as changes:
        now = StatusSnapshot.take(context)
        while True:
            before, now = now, StatusSnapshot.take(context)
            yield now.changes_since(before).encode()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changes.next(), beat_s)
            changes.drain()  # the other changes of the same round are in the same message


def missed_statuses(context: "AgentContext", since_ns: int) -> bytes:
    """What may have changed since a page was made, or since it lost its connection."""
    return StatusSnapshot.take_since(context, since_ns).encode()
