"""Waiting for a condition, for a bounded time."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["eventually", "eventually_sync"]

T = TypeVar("T")

WAIT_S: Final = 20.0
POLL_S: Final = 0.01


async def eventually(seen: Callable[[], T], wait_s: float = WAIT_S) -> T:
    """Wait for the first true value of ``seen``."""
    deadline = time.monotonic() + wait_s
    while not (found := seen()):
        assert time.monotonic() < deadline, f"not seen within {wait_s:g} s; last: {found!r}"
        await asyncio.sleep(POLL_S)
    return found


def eventually_sync(seen: Callable[[], T], wait_s: float = WAIT_S) -> T:
    """Wait for the first true value of ``seen``, without an event loop."""
    deadline = time.monotonic() + wait_s
    while not (found := seen()):
        assert time.monotonic() < deadline, f"not seen within {wait_s:g} s; last: {found!r}"
        time.sleep(POLL_S)
    return found
