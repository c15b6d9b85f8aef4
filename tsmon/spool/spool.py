"""Spool: a durable first-in-first-out queue of batches for one destination."""

import contextlib
import errno
import hashlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.spool.ownership import QueueDirectory, adopt_orphans, make_directory, sync_directory
from tsmon.spool.segment import CorruptSegmentError, Record, SegmentHeader, SegmentWriter, records, scan

__all__ = ["Destination", "Spool", "SpooledBatch"]

_log = logging.getLogger("tsmon")

SEGMENT_BYTES: Final = 8_000_000
FRESH_BYTES: Final = 4_000_000
"""So much of what is on disk is held in memory too, to be sent without being read and decompressed."""

ASIDE: Final = "damaged"
SHORTAGES: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where spooled lines belong; each has a directory of its own."""

    url: str
    org: str
    bucket: str

    @property
    def directory_name(self) -> str:
        """Stable name of the destination's directory."""
        digest = hashlib.sha256(f"{self.url}\0{self.org}\0{self.bucket}".encode()).hexdigest()[:12]
        readable = "".join(c if c.isalnum() else "-" for c in self.bucket)[:40]
        return f"{readable}-{digest}"


@dataclass(slots=True)
class _Segment:
    path: Path
    queue: QueueDirectory
    lines: int
    position: int
    size: int
    writer: SegmentWriter | None = None
    fresh: "deque[tuple[int, SpooledBatch]]" = field(default_factory=deque)
    """Batches that are in memory too, with their offsets in the file."""


@dataclass(frozen=True, slots=True)
class SpooledBatch:
    """The oldest batch of the spool, as :meth:`Spool.oldest` gives it; ``end`` is the offset behind it."""

    lines: int
    end: int
    content: Record | bytes

    def data(self) -> bytes:
        """Line protocol."""
        return self.content if isinstance(self.content, bytes) else self.content.data()


class Spool:
    """Batches on disk, oldest first, bounded by ``max_bytes``; what goes when it is full is the oldest segment.

    A batch is acknowledged when :meth:`append` has returned: from then on it survives kill -9, and with ``sync``
    the loss of power. It stays until :meth:`done`; a process that dies between sending and that sends it
    again, which changes nothing, since times and tags are part of the lines. Not safe for use by two threads.

    ``on_dropped`` is told of lines that were given up: how many, and why.
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
        self._max_bytes = max_bytes
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
        """Lines that wait; may be read from any thread."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self._segments)

    def open(self) -> int:
        """Make the directory, and :meth:`adopt`. Raises OSError."""
        make_directory(self.directory)
        return self.adopt()

    def adopt(self) -> int:
        """Take over what ended processes left, now or since the last time; returns how many lines that are."""
        adopted = 0
        for queue in adopt_orphans(self.directory):
            try:
                kept = [segment for path in queue.segments() if (segment := self._adopted(path, queue))]
            except OSError as error:
                _log.warning("what waits in %s cannot be read now (%s)", queue.path, error)
                queue.release()
                continue
            if kept:
                self._segments.extend(kept)
                adopted += sum(segment.lines for segment in kept)
                self._queues.append(queue)
            else:
                queue.remove_if_empty()
        self.lines += adopted
        return adopted

    def append(self, data: bytes, lines: int) -> None:
        """Keep a batch; when this returns it is on disk. Raises OSError, and then nothing was kept."""
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.writer is None or segment.size >= self._segment_bytes:
            segment = self._new_segment()
        assert segment.writer is not None
        start = segment.size
        try:
            segment.writer.append(data, lines, sync=self._sync)
        finally:
            segment.size = segment.writer.size
        if self._fresh_bytes + len(data) <= FRESH_BYTES:
            segment.fresh.append((start, SpooledBatch(lines, segment.size, data)))
            self._fresh_bytes += len(data)
        segment.lines += lines
        self.lines += lines
        while self.size > self._max_bytes and self._drop_oldest():
            pass

    def oldest(self) -> SpooledBatch | None:
        """The oldest batch, again and again until :meth:`done`; None where nothing waits.

        Raises OSError where the system is short of something, and the same may be asked again later.
        """
        while self._segments:
            segment = self._segments[0]
            try:
                batch = self._read(segment)
            except (CorruptSegmentError, OSError) as error:
                if _passes(error):
                    raise
                self._put_aside(segment, error)
                continue
            if batch is not None:
                self._sending = segment
                return batch
            if segment.lines:
                self._put_aside(segment, CorruptSegmentError(f"{segment.path} ends too early"))
            else:
                self._finish(segment)
        return None

    def done(self, batch: SpooledBatch) -> None:
        """The oldest batch is settled; its segment goes when all of it is."""
        segment, self._sending = self._sending, None
        assert segment is not None
        segment.position = batch.end
        segment.lines -= batch.lines
        self.lines -= batch.lines
        if segment.fresh and segment.fresh[0][1].end <= batch.end:
            self._fresh_bytes -= len(segment.fresh.popleft()[1].data())
        if not segment.lines:
            self._finish(segment)

    def close(self) -> None:
        """Leave what waits for whoever adopts it; nothing is left behind where nothing waits."""
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
        """In a forked child: start empty; what was open belongs to the parent, which keeps its locks."""
        for segment in self._segments:
            if segment.writer is not None:
                segment.writer.close()
        for queue in [*self._queues, *([self._own] if self._own else [])]:
            queue.release()
        self._segments.clear()
        self._queues.clear()
        self._own = self._sending = None
        self.lines = self._fresh_bytes = 0

    def _adopted(self, path: Path, queue: QueueDirectory) -> _Segment | None:
        try:
            _, first, lines, end = scan(path)
            size = path.stat().st_size
            if size > end:
                _log.warning("the spool's %s has a torn tail of %d bytes; it was cut", path, size - end)
                os.truncate(path, end)
        except (CorruptSegmentError, OSError) as error:
            if _passes(error):
                raise
            self._move_aside(path, error)
            return None
        if not lines:
            path.unlink(missing_ok=True)
            return None
        return _Segment(path, queue, lines, first, end)

    def _new_segment(self) -> _Segment:
        if self._own is None:
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
            sync_directory(self._own.path)
        segment = _Segment(path, self._own, 0, writer.size, writer.size, writer)
        self._segments.append(segment)
        return segment

    def _read(self, segment: _Segment) -> SpooledBatch | None:
        if segment.fresh and segment.fresh[0][0] == segment.position:
            return segment.fresh[0][1]
        record = next(records(segment.path, segment.position), None)
        return None if record is None else SpooledBatch(record.lines, record.end, record)

    def _finish(self, segment: _Segment) -> None:
        """Unlink a segment of which everything is settled, and its queue where that was its last."""
        self._take_out(segment)
        segment.path.unlink(missing_ok=True)
        self._drop_empty_queue(segment.queue)

    def _take_out(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        self._fresh_bytes -= sum(len(batch.data()) for _, batch in segment.fresh)
        if segment.writer is not None:
            segment.writer.close()

    def _drop_oldest(self) -> bool:
        """Give up the oldest segment that is neither being sent nor being written; False if there is none."""
        for segment in list(self._segments)[:-1]:
            if segment is not self._sending:
                self._dropped_when_full += segment.lines
                self._give_up(segment, "spool full")
                self._finish(segment)
                self._log.warning(
                    "spool full",
                    f"{self._dropped_when_full} points were dropped so far, since the spool in {self.directory} "
                    "is full; the store is away or too slow, or raise monitoring.spool_bytes",
                )
                return True
        return False

    def _give_up(self, segment: _Segment, reason: str) -> None:
        if segment.lines:
            self.lines -= segment.lines
            self._on_dropped(segment.lines, reason)

    def _put_aside(self, segment: _Segment, error: Exception) -> None:
        self._take_out(segment)
        self._move_aside(segment.path, error)
        self._give_up(segment, "spool damaged")
        self._drop_empty_queue(segment.queue)

    def _move_aside(self, path: Path, error: Exception) -> None:
        aside = self.directory.parent / ASIDE / f"{path.parent.name}-{path.name}"
        try:
            aside.parent.mkdir(exist_ok=True, mode=0o700)
            path.rename(aside)
        except OSError as failure:
            _log.error("%s; it cannot be put aside (%s) and is skipped", error, failure)
        else:
            _log.error("%s; it was put aside as %s, the others go on", error, aside)
            self._bound(aside.parent)

    def _bound(self, directory: Path) -> None:
        """What was put aside takes no more room than the spool itself may; the oldest goes."""
        with contextlib.suppress(OSError):
            found = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in directory.iterdir())
            size = sum(one[1] for one in found)
            for _, taken, path in found:
                if size > self._max_bytes:
                    path.unlink()
                    size -= taken

    def _drop_empty_queue(self, queue: QueueDirectory) -> None:
        if queue is not self._own and not any(segment.queue is queue for segment in self._segments):
            queue.remove_if_empty()
            self._queues.remove(queue)


def _passes(error: Exception) -> bool:
    """Whether the system is short of something just now, which says nothing about the file."""
    return isinstance(error, OSError) and error.errno in SHORTAGES
