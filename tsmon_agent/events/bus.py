"""What happens, for those who want to hear of it: pages, and whoever tells people."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

__all__ = ["Event", "EventBus", "Listener"]

WAITING: Final = 10_000
"""Events that wait for a slow listener; the oldest goes when one more comes."""


class Event(msgspec.Struct, frozen=True):
    """Something that has happened; each kind is a subclass, beside what it happens to."""

    time_ns: int


class Listener:
    """Events in their order; ``dropped`` is how many went by unheard."""

    def __init__(self, waiting: int) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(waiting)
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(event)

    async def next(self) -> Event:
        """The next event, when there is one."""
        return await self._queue.get()

    def drain(self) -> list[Event]:
        """Those that are there already."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]


class EventBus:
    """Hands every event to all who listen; none of them can hold up the others, or who publishes."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener.put(event)

    @contextmanager
    def listen(self, waiting: int = WAITING) -> Iterator[Listener]:
        """Hear of events while the context lasts."""
        listener = Listener(waiting)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
