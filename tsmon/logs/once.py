"""Warnings that are logged once in the life of a process, however many Monitors have the same reason."""

import logging
from typing import Final

__all__ = ["warn_once"]

_log = logging.getLogger("tsmon")

_logged: Final[set[str]] = set()


def warn_once(message: str) -> None:
    """Log a warning, unless this process has logged the same one."""
    if message not in _logged:
        _logged.add(message)
        _log.warning("%s", message)
