"""A Monitor on a thread of its own, for programs without an event loop."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from tsmon.counts import Counts
from tsmon.monitor import STOP_TIMEOUT_S, Monitor

__all__ = ["BackgroundMonitor"]

T = TypeVar("T")


class BackgroundMonitor:
    """The blocking face of a :class:`~tsmon.Monitor`; ``with Monitor() as monitor`` gives one."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.emit = monitor.emit
        """See :meth:`Monitor.emit`."""

    @property
    def counts(self) -> Counts:
        """See :attr:`Monitor.counts`."""
        return self._monitor.counts

    @property
    def last_error(self) -> str | None:
        """See :attr:`Monitor.last_error`."""
        return self._monitor.last_error

    def start(self) -> None:
        """See :meth:`Monitor.start`."""
        if self._thread is not None:
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tsmon", daemon=True)
        self._thread.start()
        try:
            self._call(self._monitor.start())
        except BaseException:
            self._end()
            raise

    def set_flush_period(self, seconds: float) -> None:
        """See :meth:`Monitor.set_flush_period`."""

        async def change() -> None:
            self._monitor.set_flush_period(seconds)

        self._call(change())

    def flush(self, timeout: float | None = None) -> None:
        """See :meth:`Monitor.flush`."""
        self._call(self._monitor.flush(timeout))

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """See :meth:`Monitor.stop`."""
        if self._thread is None:
            return
        try:
            self._call(self._monitor.stop(timeout))
        finally:
            self._end()

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or self._thread is None:
            work.close()
            raise RuntimeError("the monitor's thread is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        self._thread = None
