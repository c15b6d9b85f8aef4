"""A Monitor lives with an application; whatever happens to it, the application starts, serves and ends."""

import asyncio
import contextlib
import logging
import sys
import weakref
from functools import partial
from typing import Final

from tsmon.logs.error_texts import describe_error
from tsmon.monitor.monitor import Monitor
from tsmon.monitor.patient_start import start_patiently

__all__ = ["Lifetime", "Users", "exchange_users"]

_log = logging.getLogger("tsmon")

START_S: Final = 2.0
"""Seconds that an application waits for the first try to start."""


class Lifetime:
    """Starts a Monitor with an application, and stops it with the last one that uses it.

    It may begin and end many times. A Monitor that somebody else has started is never stopped. If it cannot start,
    that is logged and tried again.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._starting: asyncio.Task[None] | None = None
        self.has_begun = False
        """Whether the Monitor was started, or is being started."""

    async def begin(self, *, ends: bool = True) -> None:
        """Start the Monitor, within :data:`START_S` or later; without ``ends`` no :meth:`end` will follow."""
        self.has_begun = True
        users = _users.setdefault(self._monitor, Users())
        users.known.add(self)
        users.start_is_ours = users.start_is_ours or not self._monitor.is_running
        if ends:
            users.lifetimes.add(self)
        if not _is_in_asyncio():
            self._monitor.start_soon()
            return
        tried = asyncio.Event()
        self._starting = asyncio.create_task(self._start(tried))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await tried.wait()

    async def end(self) -> None:
        """Stop the Monitor, unless another application uses it. Idempotent."""
        self.has_begun = False
        starting, self._starting = self._starting, None
        if starting is not None and not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
        users = _users.get(self._monitor)
        if users is None or self not in users.lifetimes:
            return
        users.lifetimes.discard(self)
        if users.lifetimes or not users.start_is_ours:
            return
        users.start_is_ours = False
        try:
            if _is_in_asyncio():
                await self._monitor.stop()
            else:
                await self._stop_thread()
        except Exception as error:
            _log.error("the Monitor could not be stopped: %s", describe_error(error))

    async def _start(self, tried: asyncio.Event) -> None:
        try:
            await start_patiently(self._monitor, tried.set)
        except asyncio.CancelledError:
            self.has_begun = False
            raise

    async def _stop_thread(self) -> None:
        """Stop the thread in which the Monitor runs if the server does not use asyncio."""
        stop = partial(self._monitor.__exit__, None, None, None)
        trio = sys.modules.get("trio")
        if trio is None:
            stop()
        else:
            await trio.to_thread.run_sync(stop)


def _is_in_asyncio() -> bool:
    """Whether the server runs on asyncio's event loop, rather than on trio's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Users:
    """The applications that use one Monitor, and whether one of them started it."""

    def __init__(self) -> None:
        self.lifetimes: set[Lifetime] = set()
        self.known: weakref.WeakSet[Lifetime] = weakref.WeakSet()
        """Also those without an end, and those that have ended."""
        self.begun: list[Lifetime] = []
        """Those that had begun when others took their place; see :func:`exchange_users`."""
        self.start_is_ours = False


def exchange_users(monitor: Monitor, users: Users | None = None) -> Users:
    """Let ``monitor`` have ``users``, by default none, and return those that it had.

    For a test, in which a Monitor begins as if no application had used it, and afterwards is as before.
    """
    before = _users.pop(monitor, None) or Users()
    before.begun = [life for life in before.known if life.has_begun]
    for life in before.begun:
        life.has_begun = False
    if users is not None:
        _users[monitor] = users
        for life in users.begun:
            life.has_begun = True
    return before


_users: "weakref.WeakKeyDictionary[Monitor, Users]" = weakref.WeakKeyDictionary()
