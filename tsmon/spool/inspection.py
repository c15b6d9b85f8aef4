"""Looking at a spool without touching it: what waits, for whom, and whose it is."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tsmon.files.file_lock import try_lock
from tsmon.spool.ownership import LOCK_NAME
from tsmon.spool.segment import CorruptSegmentError, records, scan
from tsmon.spool.spool import ASIDE, Destination

__all__ = ["WaitingQueue", "WaitingSegment", "damaged_segments", "lines_in", "waiting_queues"]


@dataclass(frozen=True, slots=True)
class WaitingSegment:
    """One file; ``lines`` counts what was sent already too, until the whole file has been."""

    path: Path
    lines: int
    size: int
    created_ns: int


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """What one process left or is still filling."""

    path: Path
    destination: Destination | None
    """None where no file of it can be read."""
    owned: bool
    """Whether a living process holds it."""
    segments: tuple[WaitingSegment, ...]
    damage: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its directory: the process' id and a random part."""
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
        """When its oldest file was begun."""
        return min((segment.created_ns for segment in self.segments), default=None)


def waiting_queues(root: Path) -> list[WaitingQueue]:
    """All queues below the spool's directory, oldest first."""
    found = [_queue(lock.parent) for lock in root.glob(f"*/*/{LOCK_NAME}")]
    return sorted(found, key=lambda queue: (queue.created_ns or 0, queue.name))


def damaged_segments(root: Path) -> list[Path]:
    """Files that were put aside, since a part of them is damaged."""
    return sorted((root / ASIDE).glob("*.seg"))


def lines_in(path: Path) -> Iterator[bytes]:
    """Line protocol in a segment file, batch by batch.

    Raises :class:`~tsmon.spool.segment.CorruptSegmentError` where it is damaged, after what is sound before it.
    """
    _, first, _, _ = scan(path)
    for record in records(path, first):
        yield record.data()


def _queue(path: Path) -> WaitingQueue:
    destination: Destination | None = None
    segments: list[WaitingSegment] = []
    damage: list[str] = []
    for file in sorted(path.glob("*.seg")):
        try:
            header, _, lines, _ = scan(file)
            size = file.stat().st_size
        except FileNotFoundError:
            continue  # It was sent just now.
        except (CorruptSegmentError, OSError) as error:
            damage.append(str(error))
            continue
        destination = Destination(header.url, header.org, header.bucket)
        segments.append(WaitingSegment(file, lines, size, header.created_ns))
    return WaitingQueue(path, destination, _owned(path), tuple(segments), tuple(damage))


def _owned(path: Path) -> bool:
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
