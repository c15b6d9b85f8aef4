"""Servers that end their process by a signal after they have shut down."""

import contextlib
import functools
import sys
from typing import Any

from tsmon.monitor import process_hooks
from tsmon.monitor.emitter import STOP_TIMEOUT_S

__all__ = ["flush_with_servers"]


def flush_with_servers() -> None:
    """From now on, flush when a server of uvicorn has shut down. Idempotent.

    It has a handler for the signals, but after the shutdown it restores what was there before and raises the signal
    again, which then ends the process at once. Lifespans of ASGI stop a Monitor before, but not every application
    has one.
    """
    uvicorn = sys.modules.get("uvicorn.server")
    server = getattr(uvicorn, "Server", None)
    shut_down = getattr(server, "shutdown", None)
    if shut_down is None or hasattr(shut_down, "flushes_tsmon"):
        return

    @functools.wraps(shut_down)
    async def shut_down_and_flush(*args: Any, **kwargs: Any) -> None:
        try:
            await shut_down(*args, **kwargs)
        finally:
            for monitor in process_hooks.list_monitors():
                if monitor.is_running:
                    with contextlib.suppress(Exception):
                        await monitor.flush(STOP_TIMEOUT_S)

    shut_down_and_flush.flushes_tsmon = True  # type: ignore[attr-defined]
    with contextlib.suppress(AttributeError, TypeError):
        server.shutdown = shut_down_and_flush  # type: ignore[union-attr]
