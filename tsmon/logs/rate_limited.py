"""Warnings that may occur many times a second, logged at most once a minute each."""

import logging
import time
from collections.abc import Callable
from typing import Final

__all__ = ["RateLimitedLog"]

_log = logging.getLogger("tsmon")

INTERVAL_S: Final = 60.0


class RateLimitedLog:
    """Logs the first warning of each kind, and the next one of that kind only after ``interval_s`` seconds."""

    def __init__(self, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._written_at: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def is_due(self, kind: str) -> bool:
        """Whether a warning of this kind would be logged now."""
        return self._clock() - self._written_at.get(kind, float("-inf")) >= self._interval_s

    def warning(self, kind: str, message: str, *, error: BaseException | None = None) -> None:
        """Log ``message``, with the traceback of ``error``, unless one of its kind was logged recently."""
        if not self.is_due(kind):
            self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
            return
        self._written_at[kind] = self._clock()
        suppressed = self._suppressed.pop(kind, 0)
        _log.warning("%s%s", message, f" ({suppressed} more since the last)" if suppressed else "", exc_info=error)
