"""No failure of the disk leaves anything behind in the spool, whichever call fails, and with whichever error."""

import contextlib
import errno
import itertools
import os
import sys
from pathlib import Path

import pytest

from tests.services.failing_disk import ERRORS, STEPS, FailingDisk
from tsmon.spool import Destination, Spool
from tsmon.spool.inspection import find_quarantined_segments, find_queues
from tsmon.spool.ownership import make_directory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="calls are assigned to files by /proc")

MOVES = ("rename", "replace", "unlink", "rmdir")
"""What is called when segments go, not when they come."""

HERE = Destination("http://here:8086", "o", "b")


def everything(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("ftruncate", "close", *MOVES)])
def test_a_queue_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    root = tmp_path / "spool"
    spool = Spool(root, HERE, max_bytes=1_000_000)
    disk = FailingDisk(monkeypatch, root, (step,), code)
    spool.open()
    disk.fails = True
    for _ in range(5):
        with pytest.raises(OSError, match=os.strerror(code)):
            spool.append(b"a v=1", 1)
        # At most the directory of the destination, and in it one queue, which the next try uses.
        assert len(everything(root)) <= 3
        assert not list(root.rglob("*.seg"))
    disk.fails = False
    assert spool.lines == 0
    spool.append(b"a v=2", 1)
    batch = spool.read_oldest()
    assert batch is not None
    assert (batch.data(), spool.lines) == (b"a v=2", 1)
    spool.remove_oldest(batch)
    spool.close()
    assert everything(root) == []


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("step", [step for step in STEPS if step not in MOVES])
@pytest.mark.parametrize("after", range(4))
def test_after_a_failure_at_any_call_a_stop_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, after: int
) -> None:
    root = tmp_path / "spool"
    disk = FailingDisk(monkeypatch, root, (step,), code)
    disk.fails, disk.after = True, after
    spool = Spool(root, HERE, max_bytes=1_000_000)
    appended = 0
    for _ in range(3):
        with contextlib.suppress(OSError):
            spool.open()
            spool.append(b"a v=1", 1)
            appended += 1
    disk.fails = False
    assert spool.lines == appended
    while (batch := spool.read_oldest()) is not None:
        spool.remove_oldest(batch)
    spool.close()
    assert [path for path in everything(root) if path != root] == []


@pytest.mark.parametrize(("step", "repair"), list(itertools.product(("write", "fdatasync"), (True, False))))
def test_a_batch_that_was_refused_half_way_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, repair: bool
) -> None:
    root = tmp_path / "spool"
    spool = Spool(root, HERE, max_bytes=1_000_000)
    spool.open()
    spool.append(b"a v=1", 1)
    disk = FailingDisk(monkeypatch, root, (step,) if repair else (step, "ftruncate"), errno.EIO)
    disk.fails = True
    with pytest.raises(OSError, match="Input/output error"):
        spool.append(b"a v=2", 1)
    disk.fails = False
    spool.append(b"a v=3", 1)
    spool.close()
    again = Spool(root, HERE, max_bytes=1_000_000)
    again.open()
    found = []
    while (batch := again.read_oldest()) is not None:
        found.append(batch.data())
        again.remove_oldest(batch)
    # A batch that was written whole and could not be removed is sent twice at worst, which changes nothing.
    assert [one for one in found if one != b"a v=2"] == [b"a v=1", b"a v=3"]
    again.close()
    assert find_queues(root) == []


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
def test_a_damaged_segment_that_cannot_be_moved_is_skipped_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    root = tmp_path / "spool"
    disk = FailingDisk(monkeypatch, root, ("rename",), code)
    spool = Spool(root, HERE, max_bytes=1_000_000)
    leave_damaged_segment(root)
    [segment] = root.rglob("*.seg")
    disk.fails = True
    for _ in range(3):  # as often as queues are adopted
        spool.open()
        assert (spool.lines, spool.read_oldest()) == (0, None)
        spool.append(b"a v=2", 1)
        batch = spool.read_oldest()
        assert batch is not None
        spool.remove_oldest(batch)
    assert segment.exists()
    assert len([one for one in caplog.records if "cannot be quarantined" in one.message]) == 1
    disk.fails = False
    spool.open()
    spool.close()
    assert len(find_quarantined_segments(root)) == 1
    assert find_queues(root) == []


def leave_damaged_segment(root: Path) -> None:
    """In a queue of a process that has ended."""
    spool = Spool(root, HERE, max_bytes=1_000_000)
    make_directory(spool.directory)
    spool.append(b"a v=1", 1)
    [path] = spool.directory.rglob("*.seg")
    spool.close()
    path.write_bytes(b"nonsense" + path.read_bytes()[8:])


@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("step", ["unlink", "rmdir"])
def test_a_segment_that_cannot_be_deleted_is_sent_at_most_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    root = tmp_path / "spool"
    disk = FailingDisk(monkeypatch, root, (step,), code)
    spool = Spool(root, HERE, max_bytes=1_000_000)
    spool.open()
    spool.append(b"a v=1", 1)
    batch = spool.read_oldest()
    assert batch is not None
    disk.fails = True
    with contextlib.suppress(OSError):
        spool.remove_oldest(batch)
    assert (spool.lines, spool.read_oldest()) == (0, None)
    spool.append(b"a v=2", 1)
    again = spool.read_oldest()
    assert again is not None
    assert again.data() == b"a v=2"
    with contextlib.suppress(OSError):
        spool.remove_oldest(again)
    disk.fails = False
    spool.close()
    final = Spool(root, HERE, max_bytes=1_000_000)
    final.open()
    while (batch := final.read_oldest()) is not None:
        final.remove_oldest(batch)
    final.close()
    assert find_queues(root) == []
