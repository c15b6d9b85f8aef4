"""Files of the spool that somebody deletes while they are in use; files of others in its directories."""

import os
import shutil
from pathlib import Path

import pytest

from tests.tsmon.spool.test_spool import batch, emptied, opened, segments
from tsmon.spool import spool as spool_module


@pytest.mark.parametrize("whole", ["segment", "queue", "destination", "root"])
def test_what_is_in_memory_is_written_again(tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: str) -> None:
    root, dropped = tmp_path / "spool", list[tuple[int, str]]()
    spool = opened(root, dropped=dropped)
    for number in range(3):
        spool.append(batch(number), 1)
    [segment] = segments(root)
    if whole == "segment":
        segment.unlink()
    else:
        shutil.rmtree({"queue": segment.parent, "destination": segment.parent.parent, "root": root}[whole])
    spool.append(batch(3), 1)
    assert (spool.lines, dropped) == (4, [])
    assert "3 points that were in memory, too, are written again, 0 are lost" in caplog.text
    spool.close()
    # The next process finds all of them.
    assert emptied(opened(root)) == [batch(number) for number in range(4)]


def test_what_is_only_on_disk_is_counted_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool_module, "FRESH_BYTES", 2 * len(batch(0)))
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path / "spool", dropped=dropped)
    for number in range(5):
        spool.append(batch(number), 1)
    shutil.rmtree(tmp_path / "spool")
    spool.append(batch(5), 1)
    assert (spool.lines, dropped) == (3, [(3, "spool damaged")])
    assert "2 points that were in memory, too, are written again, 3 are lost" in caplog.text
    assert emptied(spool) == [batch(number) for number in (0, 1, 5)]


def test_the_batch_that_is_being_sent_is_counted_once(tmp_path: Path) -> None:
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path / "spool", dropped=dropped)
    for number in range(3):
        spool.append(batch(number), 1)
    sending = spool.read_oldest()
    assert sending is not None
    shutil.rmtree(tmp_path / "spool")
    spool.append(batch(3), 1)
    assert spool.lines == 4
    spool.remove_oldest(sending)
    assert emptied(spool) == [batch(number) for number in (1, 2, 3)]
    assert (spool.lines, dropped) == (0, [])


def test_what_was_deleted_before_the_end_is_kept(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool")
    spool.append(batch(0), 1)
    shutil.rmtree(tmp_path / "spool")
    spool.close()
    assert emptied(opened(tmp_path / "spool")) == [batch(0)]


def test_a_deleted_lock_is_made_again(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool")
    spool.append(batch(0), 1)
    [lock] = (tmp_path / "spool").rglob("owner.lock")
    lock.unlink()
    spool.append(batch(1), 1)
    assert lock.exists()
    other = opened(tmp_path / "spool")
    assert other.lines == 0
    spool.close()
    assert other.adopt() == 2


def test_files_of_others_stay(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool", max_bytes=1_000)
    notes = tmp_path / "spool" / "damaged" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("precious" * 1_000)
    os.utime(notes, (1, 1))
    spool.append(batch(0), 1)
    [segment] = segments(tmp_path)
    mine = segment.with_name("mine.txt")
    mine.write_text("precious")
    segment.write_bytes(b"no segment")
    spool.close()
    other = opened(tmp_path / "spool", max_bytes=1_000)
    other.close()
    assert notes.exists()
    assert mine.read_text() == "precious"
