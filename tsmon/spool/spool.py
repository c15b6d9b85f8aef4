"""Spool: a durable first-in-first-out queue of batches for one destination."""

import contextlib
import errno
import itertools
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tsmon.logs.error_texts import describe_error
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.spool.destination import Destination
from tsmon.spool.ownership import QueueDirectory, adopt_orphans, make_directory, sync_directory
from tsmon.spool.quarantine import quarantine_segment
from tsmon.spool.segment import CorruptSegmentError, Record, SegmentHeader, SegmentWriter, read_records, scan

__all__ = ["Spool", "SpooledBatch"]

_log = logging.getLogger("tsmon")

SEGMENT_BYTES: Final = 8_000_000
FRESH_BYTES: Final = 4_000_000
"""Bytes of the newest batches that are held in memory, too, to be sent without being read and decompressed."""

TRIES: Final = 3
"""How often a batch is appended because its segment was deleted meanwhile."""

SHORTAGES: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors by which the system says that it is short of something now; they say nothing about the file."""


@dataclass(slots=True)
class _Segment:
    path: Path
    queue: QueueDirectory
    created_ns: int
    lines: int
    position: int
    size: int
    writer: SegmentWriter | None = None
    fresh: "deque[tuple[int, SpooledBatch]]" = field(default_factory=deque)
    """Batches that are in memory, too, with their offsets in the file."""


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """The oldest batch of the spool, from :meth:`Spool.read_oldest`; ``end`` is the offset behind it."""

    lines: int
    end: int
    content: Record | bytes

    def data(self) -> bytes:
        """Line protocol."""
        return self.content if isinstance(self.content, bytes) else self.content.data()


class Spool:
    """Batches on disk, oldest first, bounded by ``max_bytes``; when it is full, the oldest segment is dropped.

    Queues that are adopted may be larger than that; then their size is the bound until they have been sent.

    A batch is acknowledged when :meth:`append` has returned: from then on it survives kill -9, and with ``sync``
    the loss of power. It stays until :meth:`remove_oldest`. A process that dies between sending and removing sends
    it again, which changes nothing, because times and tags are part of the lines. Not thread-safe.

    ``on_dropped`` is called when lines are dropped: with their number and the reason.
    """

    def __init__(
        self,
        root: Path,
        destination: Destination,
        *,
        max_bytes: int,
        sync: bool = True,
        on_dropped: Callable[[int, str], None] = lambda *_: None,
    ) -> None:
        self.destination = destination
        self.directory = root / destination.directory_name
        self._max_bytes = self._bound = max_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max(max_bytes // 4, 1))
        self._sync = sync
        self._on_dropped = on_dropped
        self._log = RateLimitedLog()
        self._dropped_when_full = 0
        self._segments: deque[_Segment] = deque()
        self._queues: list[QueueDirectory] = []
        self._own: QueueDirectory | None = None
        self._sending: _Segment | None = None
        self._number = 0
        self._fresh_bytes = 0
        self.lines = 0
        """Lines that wait; any thread may read this."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self._segments)

    def open(self) -> int:
        """Create the directory, and :meth:`adopt`. Raises OSError."""
        make_directory(self.directory)
        return self.adopt()

    def adopt(self) -> int:
        """Adopt the queues of processes that have ended since the last call; returns the number of their lines."""
        found: list[_Segment] = []
        for queue in adopt_orphans(self.directory):
            try:
                kept = [segment for path in queue.list_segments() if (segment := self._adopt_segment(path, queue))]
            except OSError as error:
                _log.warning("the spool's %s cannot be read now (%s)", queue.path, describe_error(error))
                queue.release()
                continue
            for earlier, later in itertools.pairwise(kept):
                # The clock may have been set back.
                later.created_ns = max(earlier.created_ns, later.created_ns)
            if kept:
                found.extend(kept)
                self._queues.append(queue)
            else:
                queue.remove_if_empty()
        # Times of files are too coarse for this, and a directory's changes when a segment goes.
        self._segments.extend(sorted(found, key=lambda segment: segment.created_ns))
        # What is there already is not dropped because the bound is lower than when it was written.
        self._bound = max(self._bound, self.size)
        adopted = sum(segment.lines for segment in found)
        self.lines += adopted
        return adopted

    def append(self, data: bytes, lines: int, settle: Callable[[], bool] = lambda: True) -> bool:
        """Append a batch; when this returns, it is on disk. Raises OSError, and then nothing was appended.

        ``settle`` is called when the batch is on disk. If that returns False, the batch is removed again, and this
        returns False.
        """
        for _ in range(TRIES):
            segment = self._segments[-1] if self._segments else None
            if segment is None or segment.writer is None or segment.size >= self._segment_bytes:
                segment = self._new_segment()
            assert segment.writer is not None
            start = segment.size
            try:
                segment.writer.append(data, lines, sync=self._sync)
            except OSError:
                self._recover(segment, segment.writer)
                raise
            if segment.writer.is_in_place and segment.queue.restore_lock():
                break
            segment.size = segment.writer.size
            self._rescue()
        else:
            raise FileNotFoundError(errno.ENOENT, "the spool is deleted again and again", str(self.directory))
        if not settle():
            segment.writer.cut(start)
            self._recover(segment, segment.writer)
            return False
        segment.size = segment.writer.size
        if self._fresh_bytes + len(data) <= FRESH_BYTES:
            segment.fresh.append((start, SpooledBatch(lines, segment.size, data)))
            self._fresh_bytes += len(data)
        segment.lines += lines
        self.lines += lines
        if self.size <= self._max_bytes:
            self._bound = self._max_bytes
        while self.size > self._bound and self._drop_oldest():
            pass
        return True

    def read_oldest(self) -> SpooledBatch | None:
        """Read the oldest batch, the same one until :meth:`remove_oldest`; None if nothing waits.

        Raises OSError if the system is short of something; then the same call may succeed later.
        """
        while self._segments:
            segment = self._segments[0]
            try:
                batch = self._read(segment)
            except (CorruptSegmentError, OSError) as error:
                if _is_shortage(error):
                    raise
                self._quarantine(segment, error)
                continue
            if batch is not None:
                self._sending = segment
                return batch
            if segment.lines:
                self._quarantine(segment, CorruptSegmentError(f"{segment.path} ends too early"))
            else:
                self._delete(segment)
        return None

    def remove_oldest(self, batch: SpooledBatch) -> None:
        """Remove the oldest batch, which is settled; its segment is deleted when all of its batches are."""
        segment, self._sending = self._sending, None
        assert segment is not None
        segment.position = batch.end
        segment.lines -= batch.lines
        self.lines -= batch.lines
        if segment.fresh and segment.fresh[0][1].end <= batch.end:
            self._fresh_bytes -= len(segment.fresh.popleft()[1].data())
        if not segment.lines:
            self._delete(segment)

    def close(self) -> None:
        """Release what waits for adoption by another process; nothing is left behind if nothing waits."""
        if any(segment.lines and not segment.path.exists() for segment in self._segments):
            self._sending = None
            with contextlib.suppress(OSError):
                self._rescue()
        for segment in self._segments:
            if segment.writer is not None:
                segment.writer.close()
        for queue in [*self._queues, *([self._own] if self._own else [])]:
            if any(segment.queue is queue for segment in self._segments):
                queue.release()
            else:
                queue.remove_if_empty()
        self._segments.clear()
        self._queues.clear()
        self._own = self._sending = None
        self.lines = self._fresh_bytes = 0
        with contextlib.suppress(OSError):
            self.directory.rmdir()

    def forget_after_fork(self) -> None:
        """In a forked child: start empty. What was open belongs to the parent, which keeps its locks."""
        for segment in self._segments:
            if segment.writer is not None:
                segment.writer.close()
        for queue in [*self._queues, *([self._own] if self._own else [])]:
            queue.release()
        self._segments.clear()
        self._queues.clear()
        self._own = self._sending = None
        self.lines = self._fresh_bytes = 0

    def _adopt_segment(self, path: Path, queue: QueueDirectory) -> _Segment | None:
        try:
            header, first, lines, end = scan(path)
            size = path.stat().st_size
            if size > end:
                _log.warning("the spool's %s has a torn tail of %d bytes; it was cut", path, size - end)
                os.truncate(path, end)
        except (CorruptSegmentError, OSError) as error:
            if _is_shortage(error):
                raise
            quarantine_segment(path, self.directory.parent, error, max_bytes=self._max_bytes)
            return None
        if not lines:
            path.unlink(missing_ok=True)
            return None
        return _Segment(path, queue, header.created_ns, lines, first, end)

    def _rescue(self) -> None:
        """After somebody has deleted segments: write what is in memory, too, again, and count the rest."""
        missing = [one for one in self._segments if one is not self._sending and not _is_in_place(one)]
        rescued = [(batch.data(), batch.lines) for segment in missing for _, batch in segment.fresh]
        lost = sum(segment.lines for segment in missing) - sum(lines for _, lines in rescued)
        for segment in missing:
            self._detach(segment)
            segment.fresh.clear()
            self.lines -= segment.lines
        if self._segments and self._segments[-1].writer is not None:
            self._segments[-1].writer.close()  # of the batch that is being sent from memory
            self._segments[-1].writer = None
        if self._own is not None and not self._own.restore_lock():
            if any(segment.queue is self._own for segment in self._segments):
                self._queues.append(self._own)
            else:
                self._own.release()
            self._own = None
        if lost:
            self._on_dropped(lost, "spool damaged")
        if missing:
            _log.error(
                "the spool's files in %s were deleted while they were in use; %d points that were in memory, too, "
                "are written again, %d are lost",
                self.directory,
                sum(lines for _, lines in rescued),
                lost,
            )
        for data, lines in rescued:
            self.append(data, lines)

    def _new_segment(self) -> _Segment:
        if self._own is None:
            make_directory(self.directory)
            self._own = QueueDirectory.create(self.directory)
        for segment in self._segments:
            if segment.writer is not None:
                segment.writer.close()
                segment.writer = None
        self._number += 1
        path = self._own.path / f"{self._number:010d}.seg"
        destination = self.destination
        header = SegmentHeader(
            url=destination.url, org=destination.org, bucket=destination.bucket, created_ns=time.time_ns()
        )
        writer = SegmentWriter(path, header)
        if self._sync:
            try:
                sync_directory(self._own.path)
            except OSError:
                writer.discard()
                raise
        segment = _Segment(path, self._own, header.created_ns, 0, writer.size, writer.size, writer)
        self._segments.append(segment)
        return segment

    def _read(self, segment: _Segment) -> SpooledBatch | None:
        if segment.fresh and segment.fresh[0][0] == segment.position:
            return segment.fresh[0][1]
        record = next(read_records(segment.path, segment.position), None)
        return None if record is None else SpooledBatch(record.lines, record.end, record)

    def _recover(self, segment: _Segment, writer: SegmentWriter) -> None:
        """After the disk has refused a batch: keep no empty file, and append to no damaged one."""
        segment.size = writer.size
        if not segment.lines:
            self._detach(segment)
            writer.discard()
        elif writer.is_broken:
            writer.close()
            segment.writer = None

    def _delete(self, segment: _Segment) -> None:
        """Delete a segment, and its queue if that was its last."""
        self._detach(segment)
        segment.path.unlink(missing_ok=True)
        self._drop_empty_queue(segment.queue)

    def _detach(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        self._fresh_bytes -= sum(len(batch.data()) for _, batch in segment.fresh)
        if segment.writer is not None:
            segment.writer.close()

    def _drop_oldest(self) -> bool:
        """Drop the oldest segment that is neither being sent nor being written; False if there is none."""
        for segment in list(self._segments)[:-1]:
            if segment is not self._sending:
                self._dropped_when_full += segment.lines
                self._count_dropped(segment, "spool full")
                self._delete(segment)
                self._log.warning(
                    "spool full",
                    f"{self._dropped_when_full} points were dropped so far, since the spool in {self.directory} "
                    "is full; the store is away or too slow, or raise monitoring.spool_bytes",
                )
                return True
        return False

    def _count_dropped(self, segment: _Segment, reason: str) -> None:
        if segment.lines:
            self.lines -= segment.lines
            self._on_dropped(segment.lines, reason)

    def _quarantine(self, segment: _Segment, error: Exception) -> None:
        self._detach(segment)
        quarantine_segment(segment.path, self.directory.parent, error, max_bytes=self._max_bytes)
        self._count_dropped(segment, "spool damaged")
        self._drop_empty_queue(segment.queue)

    def _drop_empty_queue(self, queue: QueueDirectory) -> None:
        if queue is not self._own and not any(segment.queue is queue for segment in self._segments):
            queue.remove_if_empty()
            self._queues.remove(queue)


def _is_in_place(segment: _Segment) -> bool:
    return segment.path.exists() if segment.writer is None else segment.writer.is_in_place


def _is_shortage(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in SHORTAGES
