"""Learning that an event loop ends, although nobody says so."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

__all__ = ["LoopWatch"]

NEVER_S: Final = 1e9


class LoopWatch:
    """Watches the running loop from :meth:`begin` to :meth:`end`.

    ``asyncio.run`` and its like close the asynchronous generators of a loop after its tasks have ended: then
    ``on_closing`` is awaited, while the loop still works. Some programs only call ``loop.close()``, which discards
    the timers: then ``on_closed`` is called, on the thread that closes the loop.
    """

    def __init__(self, on_closing: Callable[[], Awaitable[None]], on_closed: Callable[[], None]) -> None:
        self._on_closing = on_closing
        self._on_closed = on_closed
        self._watched = 0
        self._generator: AsyncGenerator[None, None] | None = None
        self._timer: weakref.ref[asyncio.TimerHandle] | None = None

    async def begin(self) -> None:
        """Watch the running loop, and no other one any more."""
        self.end()
        number = self._watched
        self._generator = self._wait(number)
        await anext(self._generator)
        token = _Token()
        weakref.finalize(token, self._note_closed, number).atexit = False
        # The loop alone holds the timer, and the timer alone the token.
        self._timer = weakref.ref(asyncio.get_running_loop().call_later(NEVER_S, token.do_nothing))

    def end(self) -> None:
        """Watch no longer. Idempotent."""
        self._watched += 1
        self._generator = None
        timer = self._timer() if self._timer is not None else None
        self._timer = None
        if timer is not None:
            timer.cancel()

    async def _wait(self, number: int) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if number == self._watched:
                self.end()
                await self._on_closing()

    def _note_closed(self, number: int) -> None:
        if number == self._watched:
            self.end()
            self._on_closed()


class _Token:
    """Disappears with the loop."""

    __slots__ = ("__weakref__",)

    def do_nothing(self) -> None:
        pass
