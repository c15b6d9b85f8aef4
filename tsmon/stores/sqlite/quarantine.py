"""Files that cannot be used are renamed, never deleted: the names say when and why."""

import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["quarantine", "set_log_aside", "set_orphaned_log_aside"]

_log = logging.getLogger("tsmon")


def quarantine(path: Path) -> Path:
    """Rename a damaged file with its log; returns the new name. Raises OSError."""
    target = path.with_name(f"{path.name}.damaged-{_now()}")
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{target}{suffix}")
    return target


def set_orphaned_log_aside(path: Path) -> None:
    """Rename a write-ahead log whose file is missing or empty, because SQLite would delete it. Raises OSError.

    It is left when the file is deleted and then its writer is killed; what it contains cannot be read without the
    file.
    """
    log = Path(f"{path}-wal")
    try:
        if not log.stat().st_size:
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    target = set_log_aside(path)
    _log.error("%s is gone, but not its write-ahead log, which was renamed to %s", path, target)


def set_log_aside(path: Path) -> Path:
    """Rename the log of a file that is not there any more; returns the new name. Raises OSError."""
    target = path.with_name(f"{path.name}.orphaned-{_now()}-wal")
    Path(f"{path}-wal").rename(target)
    return target


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
