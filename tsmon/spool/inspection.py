"""Inspecting a spool without changing it: what waits, for which server, and which process owns it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tsmon.files.file_lock import try_lock
from tsmon.logs.error_texts import describe_error
from tsmon.spool.destination import Destination
from tsmon.spool.ownership import LOCK_NAME
from tsmon.spool.quarantine import QUARANTINE
from tsmon.spool.segment import CorruptSegmentError, read_records, scan

__all__ = [
    "WaitingQueue",
    "WaitingSegment",
    "find_quarantined_segments",
    "find_queues",
    "find_stranded_queues",
    "read_batches",
]


@dataclass(frozen=True, slots=True)
class WaitingSegment:
    """One file; ``lines`` includes those that were sent already, until the whole file is deleted."""

    path: Path
    lines: int
    size: int
    created_ns: int


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """The queue that one process left or is still filling."""

    path: Path
    destination: Destination | None
    """None if no file of it can be read."""
    owned: bool
    """Whether a running process holds it."""
    segments: tuple[WaitingSegment, ...]
    damage: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its directory: the process id and a random part."""
        return self.path.name

    @property
    def lines(self) -> int:
        """Points in it."""
        return sum(segment.lines for segment in self.segments)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self.segments)

    @property
    def created_ns(self) -> int | None:
        """When its oldest file was created."""
        return min((segment.created_ns for segment in self.segments), default=None)


def find_queues(root: Path) -> list[WaitingQueue]:
    """All queues below the spool's directory, oldest first."""
    found = [_inspect_queue(lock.parent) for lock in root.glob(f"*/*/{LOCK_NAME}")]
    return sorted(found, key=lambda queue: (queue.created_ns or 0, queue.name))


def find_stranded_queues(root: Path, destination: Destination | None) -> list[WaitingQueue]:
    """Queues that ended processes left for other destinations than this one (None: for any): nobody sends them."""
    own = None if destination is None else destination.directory_name
    try:
        locks = [lock for lock in root.glob(f"*/*/{LOCK_NAME}") if lock.parent.parent.name != own]
    except OSError:
        return []
    found = [_inspect_queue(lock.parent) for lock in locks if not _is_owned(lock.parent)]
    return sorted((queue for queue in found if queue.lines), key=lambda queue: (queue.created_ns or 0, queue.name))


def find_quarantined_segments(root: Path) -> list[Path]:
    """Files that were quarantined, because a part of them is damaged."""
    return sorted((root / QUARANTINE).glob("*.seg"))


def read_batches(path: Path) -> Iterator[bytes]:
    """Read line protocol from a segment file, batch by batch.

    Raises :class:`~tsmon.spool.segment.CorruptSegmentError` at damage, after the intact batches before it.
    """
    _, first, _, _ = scan(path)
    for record in read_records(path, first):
        yield record.data()


def _inspect_queue(path: Path) -> WaitingQueue:
    destination: Destination | None = None
    segments: list[WaitingSegment] = []
    damage: list[str] = []
    for file in sorted(path.glob("*.seg")):
        try:
            header, _, lines, _ = scan(file)
            size = file.stat().st_size
        except FileNotFoundError:
            continue  # It has just been sent.
        except (CorruptSegmentError, OSError) as error:
            damage.append(describe_error(error))
            continue
        destination = Destination(header.url, header.org, header.bucket)
        segments.append(WaitingSegment(file, lines, size, header.created_ns))
    return WaitingQueue(path, destination, _is_owned(path), tuple(segments), tuple(damage))


def _is_owned(path: Path) -> bool:
    try:
        lock_fd = os.open(path / LOCK_NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        try_lock(lock_fd)
    except OSError:
        return True
    finally:
        os.close(lock_fd)
    return False
