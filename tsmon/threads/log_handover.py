"""Log records of our real threads, handed over to a greenlet of the program.

Under gevent the locks of logging's handlers are for greenlets. One that waits for a real thread to release such a
lock may never be woken, and then the whole program stands still.
"""

import atexit
import contextlib
import logging
import sys
from collections import deque
from typing import Any, Final

from tsmon.threads.native import is_our_thread, is_patched

__all__ = ["hand_over_logs", "write_logs"]

LOGGERS: Final = (
    "tsmon",
    "asyncio",
    "aiohttp.client",
    "aiohttp.internal",
    "apscheduler.executors.tsmon",
    "apscheduler.schedulers.tsmon",
)
"""Loggers of what runs in our threads."""

MAX_RECORDS: Final = 1_000

_records: deque[logging.LogRecord] = deque(maxlen=MAX_RECORDS)
_hub: Any = None
_own_logger = logging.getLogger("tsmon")
"""Found once: a search that an exception of a signal handler interrupts may leave logging's own lock held."""


class _HandOver(logging.Filter):
    """The first filter of a logger, so that the others see a record once, in the program's own thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not is_our_thread() or not is_patched():
            return True
        _records.append(record)
        with contextlib.suppress(AttributeError):  # There is no hub yet, or not any more.
            _hub.loop.run_callback_threadsafe(_spawn_writer)
        return False


_filter = _HandOver()


def hand_over_logs() -> None:
    """Under gevent, also if it comes later: greenlets of the calling thread write what our real threads log.

    If gevent came after the last call, they do that at the next one, or at the exit.
    """
    global _hub  # noqa: PLW0603
    if is_our_thread():
        return
    if not is_patched():
        _add_filter(_own_logger)
        return
    _hub = sys.modules["gevent"].get_hub()
    for name in LOGGERS:
        _add_filter(logging.getLogger(name))
        # What the logger keeps about its levels is found under logging's own lock.
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            logging.getLogger(name).isEnabledFor(level)
    write_logs()


def write_logs() -> None:
    """Write what was handed over, in the thread of the program."""
    while _records:
        record = _records.popleft()
        logging.getLogger(record.name).handle(record)


def _spawn_writer() -> None:
    sys.modules["gevent"].spawn(write_logs)


def _add_filter(logger: logging.Logger) -> None:
    if _filter not in logger.filters:
        logger.filters.insert(0, _filter)
        atexit.unregister(write_logs)
        atexit.register(write_logs)
