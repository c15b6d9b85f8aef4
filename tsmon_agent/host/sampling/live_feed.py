"""What was measured last, and who wants to hear of it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tsmon.points import Point

__all__ = ["LiveFeed", "Round"]

WAITING_ROUNDS = 64
"""Rounds that wait for a slow listener; the oldest goes when one more comes."""


@dataclass(frozen=True, slots=True)
class Round:
    """The points of one round of one sampler, and their time."""

    sampler: str
    time_ns: int
    points: Sequence[Point]


class LiveFeed:
    """Keeps the newest round of each sampler and hands every round to those who listen."""

    def __init__(self) -> None:
        self.newest: dict[str, Round] = {}
        self._listeners: set[asyncio.Queue[Round]] = set()

    def publish(self, new: Round) -> None:
        """Keep a round and hand it on; never waits for a listener."""
        self.newest[new.sampler] = new
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(new)

    def forget(self, sampler: str) -> None:
        """A sampler was taken out of the settings."""
        self.newest.pop(sampler, None)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Round]]:
        """A queue of the rounds to come, while the context lasts."""
        queue: asyncio.Queue[Round] = asyncio.Queue(WAITING_ROUNDS)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
