"""Readdressing: the points of a queue that waits for one server are sent to another one."""

from pathlib import Path

from tsmon.spool.destination import Destination
from tsmon.spool.inspection import WaitingQueue
from tsmon.spool.ownership import QueueDirectory
from tsmon.spool.segment import read_records, scan
from tsmon.spool.spool import Spool

__all__ = ["readdress_queue"]


def readdress_queue(queue: WaitingQueue, root: Path, destination: Destination) -> bool:
    """Move the points of ``queue`` to a queue for ``destination``; False if a running process owns it.

    If it is interrupted, points are in both, which changes nothing when both are sent. Raises OSError or
    :class:`~tsmon.spool.segment.CorruptSegmentError`, and then the queue stays.
    """
    owned = QueueDirectory.adopt(queue.path)
    if owned is None:
        return False
    # What waits already for that destination is not dropped for want of room.
    spool = Spool(root, destination, max_bytes=2 * queue.size + 1_000_000)
    try:
        for segment in queue.segments:
            _, first, _, _ = scan(segment.path)
            for record in read_records(segment.path, first):
                spool.append(record.data(), record.lines)
        owned.remove()
    finally:
        spool.close()
        owned.release()
    return True
