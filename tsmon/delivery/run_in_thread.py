"""Blocking work on our files, awaited on an event loop."""

import asyncio
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["run_in_thread"]

P = ParamSpec("P")
R = TypeVar("R")


async def run_in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Like ``asyncio.to_thread``, but a cancellation waits for the end of the thread, which works on our files."""
    try:
        future = asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *args, **kwargs))
    except RuntimeError:
        return function(*args, **kwargs)  # the interpreter is ending and starts no more threads
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
