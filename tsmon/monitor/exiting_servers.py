"""Servers that end their process by a signal after they have shut down."""

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

from tsmon.monitor import process_hooks
from tsmon.monitor.emitter import STOP_TIMEOUT_S

__all__ = ["flush_with_servers"]


class _CapturedSignals(list[int]):
    """What uvicorn goes through when the handlers of before are in force again, to raise each signal."""

    def __reversed__(self) -> Iterator[int]:
        from tsmon.monitor.exit_signals import flush_at_signals

        flush_at_signals()
        return super().__reversed__()


def flush_with_servers() -> None:
    """From now on, flush when a server of uvicorn has shut down. Idempotent.

    It has a handler for the signals, but after the shutdown it restores what was there before and raises the signal
    again, which would then end the process at once. Lifespans of ASGI stop a Monitor before, but not every
    application has one.
    """
    uvicorn = sys.modules.get("uvicorn.server")
    server = getattr(uvicorn, "Server", None)
    shut_down = getattr(server, "shutdown", None)
    if shut_down is None or hasattr(shut_down, "flushes_tsmon"):
        return

    @functools.wraps(shut_down)
    async def shut_down_and_flush(server: Any, *args: Any, **kwargs: Any) -> None:
        try:
            await shut_down(server, *args, **kwargs)
        finally:
            if isinstance(captured := getattr(server, "_captured_signals", None), list):
                server._captured_signals = _CapturedSignals(captured)  # noqa: SLF001
            for monitor in process_hooks.list_monitors():
                if monitor.is_running:
                    with contextlib.suppress(Exception):
                        await monitor.flush(STOP_TIMEOUT_S)

    shut_down_and_flush.flushes_tsmon = True  # type: ignore[attr-defined]
    with contextlib.suppress(AttributeError, TypeError):
        server.shutdown = shut_down_and_flush  # type: ignore[union-attr]
