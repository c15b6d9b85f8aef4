"""Warnings that may come many times a second, written at most once a minute each."""

import logging
import time
from collections.abc import Callable
from typing import Final

__all__ = ["RateLimitedLog"]

_log = logging.getLogger("tsmon")

INTERVAL_S: Final = 60.0


class RateLimitedLog:
    """Warnings by kind: the first of a kind is written, later ones only after ``interval_s`` seconds."""

    def __init__(self, interval_s: float = INTERVAL_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._written_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def warning(self, kind: str, message: str, *, error: BaseException | None = None) -> None:
        """Write ``message``, with the traceback of ``error``, unless one of its kind was written lately."""
        now = self._clock()
        if now - self._written_at.get(kind, -self._interval_s) < self._interval_s:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._written_at[kind] = now
        unsaid = self._unsaid.pop(kind, 0)
        _log.warning("%s%s", message, f" ({unsaid} such since the last)" if unsaid else "", exc_info=error)
