"""The newest points of each sampler, and subscriptions to new ones."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tsmon.points import Point

__all__ = ["LiveFeed", "Round"]

QUEUED_ROUNDS = 64
"""Rounds that are queued for a slow subscriber; beyond that, the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class Round:
    """The points of one round of one sampler, and their time."""

    sampler: str
    time_ns: int
    points: Sequence[Point]


class LiveFeed:
    """Keeps the newest round of each sampler, and passes every round to subscribers."""

    def __init__(self) -> None:
        self.newest: dict[str, Round] = {}
        self._subscribers: set[asyncio.Queue[Round]] = set()

    def publish(self, new: Round) -> None:
        """Store a round and pass it on; never waits for a subscriber."""
        self.newest[new.sampler] = new
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(new)

    def forget(self, sampler: str) -> None:
        """Remove a sampler that is no longer in the settings."""
        self.newest.pop(sampler, None)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Round]]:
        """Context manager with a queue of all rounds from now on."""
        queue: asyncio.Queue[Round] = asyncio.Queue(QUEUED_ROUNDS)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)
