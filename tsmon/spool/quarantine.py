"""Quarantine of damaged segments: they are moved to a directory of their own, and delivery continues."""

import contextlib
import logging
import re
from pathlib import Path
from typing import Final

from tsmon.logs.error_texts import describe_error

__all__ = ["QUARANTINE", "quarantine_segment"]

_log = logging.getLogger("tsmon")

_of_ours: Final = re.compile(r"\d+-[0-9a-f]{8}-\d{10}\.seg")
"""Names in quarantine: process, random part and number of a segment. Nothing else is deleted there."""

_reported: Final[set[Path]] = set()
"""Segments that could not be moved."""

QUARANTINE: Final = "damaged"
"""Name of the directory, in the root of the spool."""


def quarantine_segment(segment: Path, root: Path, error: Exception, *, max_bytes: int) -> None:
    """Move a segment that cannot be read, because of ``error``, into quarantine below ``root``; never raises.

    The quarantine takes at most ``max_bytes``; the oldest segments in it are deleted.
    """
    target = root / QUARANTINE / f"{segment.parent.name}-{segment.name}"
    try:
        target.parent.mkdir(exist_ok=True, mode=0o700)
        segment.rename(target)
    except OSError as failure:
        if segment not in _reported:  # it is met again whenever queues are adopted
            _reported.add(segment)
            _log.error(
                "%s; it cannot be quarantined (%s) and is skipped", describe_error(error), describe_error(failure)
            )
    else:
        _log.error(
            "%s; it was quarantined as %s, delivery continues with the others", describe_error(error), target
        )
        _delete_oldest(target.parent, max_bytes)


def _delete_oldest(directory: Path, max_bytes: int) -> None:
    with contextlib.suppress(OSError):
        ours = [path for path in directory.iterdir() if _of_ours.fullmatch(path.name)]
        found = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in ours)
        size = sum(one[1] for one in found)
        for _, freed, path in found:
            if size > max_bytes:
                path.unlink()
                size -= freed
