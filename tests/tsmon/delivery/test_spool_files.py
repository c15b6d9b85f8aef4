"""The spool as the spooler uses it: cancellations leave files and accounting as one."""

import asyncio
import contextlib
from collections import deque
from pathlib import Path

from tsmon.delivery.buffer import Buffer
from tsmon.delivery.spool_files import SpoolFiles
from tsmon.spool import Destination


async def open_files(root: Path, buffer: Buffer, bucket: str) -> SpoolFiles:
    files = SpoolFiles(buffer, root, Destination("http://a", "o", bucket), max_bytes=1_000_000)
    await files.open()
    return files


async def test_a_settled_batch_whose_removal_was_cancelled_is_not_moved_to_another_spool(tmp_path: Path) -> None:
    buffer = Buffer(1_000_000, batch_lines=2)
    old, new = await open_files(tmp_path, buffer, "old"), await open_files(tmp_path, buffer, "new")
    buffer.lines.extend("abcd")
    waiting = deque(filter(None, (buffer.take(), buffer.take())))
    for _ in range(2):
        assert await old.append(waiting)
    assert not waiting
    assert await old.recall() is not None
    buffer.count_written(2)
    removing = asyncio.create_task(old.remove_recalled())
    await asyncio.sleep(0)
    removing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await removing
    await old.move_to(new)
    assert new.lines == 2
    moved = await new.recall()
    assert moved is not None
    assert moved.data == b"c\nd"
    counts = buffer.counts(nonfinite_fields=0)
    assert (counts.accepted, counts.written, counts.pending, counts.dropped) == (4, 2, 2, 0)
    await new.keep([], 20.0)
