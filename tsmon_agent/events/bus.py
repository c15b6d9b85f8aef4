"""Publishing events to listeners, each with a queue of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

__all__ = ["Event", "EventBus", "Listener"]

QUEUE_SIZE: Final = 10_000
"""How many events wait for a slow listener; each further one replaces the oldest."""


class Event(msgspec.Struct, frozen=True):
    """Something that has happened; each kind is a subclass, defined beside what it is about."""

    time_ns: int


class Listener:
    """Receives events in their order; ``dropped`` counts those that it was too slow to receive."""

    def __init__(self, queue_size: int) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(queue_size)
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(event)

    async def next(self) -> Event:
        """Wait for the next event."""
        return await self._queue.get()

    def drain(self) -> list[Event]:
        """Take all events that are queued, without waiting."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]


class EventBus:
    """Delivers every event to all listeners; no listener can delay the others, or the publisher."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def publish(self, event: Event) -> None:
        """Deliver an event to all listeners."""
        for listener in self._listeners:
            listener.put(event)

    @contextmanager
    def listen(self, queue_size: int = QUEUE_SIZE) -> Iterator[Listener]:
        """Listen while the context is open."""
        listener = Listener(queue_size)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
