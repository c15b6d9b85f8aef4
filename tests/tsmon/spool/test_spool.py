"""The durable queue of batches: what it keeps, what it gives up, and what it leaves behind."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.spool import Destination, Spool
from tsmon.spool import spool as spool_module

DESTINATION = Destination("http://localhost:8086", "org", "bucket")


def opened(root: Path, *, max_bytes: int = 10_000_000, dropped: list[tuple[int, str]] | None = None) -> Spool:
    told = dropped if dropped is not None else []
    spool = Spool(root, DESTINATION, max_bytes=max_bytes, on_dropped=lambda lines, why: told.append((lines, why)))
    spool.open()
    return spool


def batch(number: int) -> bytes:
    return b"m n=%di 1" % number


def emptied(spool: Spool) -> list[bytes]:
    found = []
    while (oldest := spool.read_oldest()) is not None:
        found.append(oldest.data())
        spool.remove_oldest(oldest)
    return found


def segments(root: Path) -> list[Path]:
    return sorted(root.rglob("*.seg"))


def test_batches_come_back_in_order_and_only_once(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(5):
        spool.append(batch(number), 1)
    assert spool.lines == 5
    assert emptied(spool) == [batch(number) for number in range(5)]
    assert spool.lines == 0
    spool.close()


def test_the_oldest_batch_stays_until_it_is_done(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    first, second = spool.read_oldest(), spool.read_oldest()
    assert first is not None
    assert second is not None
    assert first.data() == second.data() == batch(1)
    spool.close()


def test_a_closed_spool_is_adopted_by_the_next_process(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.append(batch(number), 1)
    spool.close()
    spool = opened(tmp_path)
    assert spool.lines == 3
    spool.append(batch(3), 1)
    assert emptied(spool) == [batch(number) for number in range(4)]
    spool.close()


def test_nothing_is_left_behind_where_nothing_waits(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    emptied(spool)
    assert segments(tmp_path) == []
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_owns_is_not_adopted(tmp_path: Path) -> None:
    owner = opened(tmp_path)
    owner.append(batch(1), 1)
    other = opened(tmp_path)
    assert other.lines == 0
    other.close()
    assert emptied(owner) == [batch(1)]
    owner.close()


def test_each_destination_has_a_directory_of_its_own(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    spool.close()
    other = Spool(tmp_path, Destination("http://localhost:8086", "org", "other"), max_bytes=10_000_000)
    assert other.open() == 0
    other.close()


def test_a_torn_tail_costs_only_what_was_not_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    spool.append(batch(2), 1)
    spool.close()
    [segment] = segments(tmp_path)
    os.truncate(segment, segment.stat().st_size - 3)
    spool = opened(tmp_path)
    assert spool.lines == 1
    assert emptied(spool) == [batch(1)]
    spool.close()


def test_a_damaged_segment_is_quarantined_behind_its_good_records(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.append(batch(number), 1)
    spool.close()
    [segment] = segments(tmp_path)
    data = bytearray(segment.read_bytes())
    data[-3] ^= 0xFF
    segment.write_bytes(data)
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path, dropped=dropped)
    assert emptied(spool) == [batch(0), batch(1)]
    assert dropped == [(1, "spool damaged")]
    [aside] = (tmp_path / "damaged").iterdir()
    assert str(aside) in caplog.text
    spool.append(batch(9), 1)
    assert emptied(spool) == [batch(9)]
    spool.close()


def test_a_file_that_is_no_segment_is_quarantined_and_the_others_continue(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    spool.close()
    [segment] = segments(tmp_path)
    (segment.parent / "0000000000.seg").write_bytes(b"nonsense")
    spool = opened(tmp_path)
    assert emptied(spool) == [batch(1)]
    spool.close()
    assert len(list((tmp_path / "damaged").iterdir())) == 1


@pytest.mark.parametrize("shortage", [errno.EMFILE, errno.ENOMEM])
def test_a_shortage_of_the_system_gives_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shortage: int
) -> None:
    monkeypatch.setattr(spool_module, "FRESH_BYTES", 0)
    spool = opened(tmp_path)
    spool.append(batch(1), 1)

    def short(*_: object) -> None:
        raise OSError(shortage, os.strerror(shortage))

    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "read_records", short)
        with pytest.raises(OSError, match=os.strerror(shortage)):
            spool.read_oldest()
    spool.close()
    dropped: list[tuple[int, str]] = []
    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "scan", short)
        spool = opened(tmp_path, dropped=dropped)
        assert spool.lines == 0
    assert spool.adopt() == 1
    assert emptied(spool) == [batch(1)]
    assert dropped == []
    spool.close()


def test_what_cannot_be_quarantined_stays_where_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    spool.close()
    [segment] = segments(tmp_path)
    segment.write_bytes(b"nonsense")
    (tmp_path / "damaged").write_text("a file, where a directory should be")
    spool = opened(tmp_path)
    assert spool.read_oldest() is None
    spool.close()
    assert segment.read_bytes() == b"nonsense"
    assert "cannot be quarantined" in caplog.text


def test_when_it_is_full_the_oldest_segment_goes_and_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path, max_bytes=20_000, dropped=dropped)
    data = os.urandom(1_000).hex().encode()
    for _ in range(100):
        spool.append(data, 1)
    assert spool.size <= 20_000
    assert dropped
    assert {why for _, why in dropped} == {"spool full"}
    [warning] = caplog.messages
    assert "points were dropped so far, since the spool" in warning
    assert "monitoring.spool_bytes" in warning
    assert sum(lines for lines, _ in dropped) + spool.lines == 100
    assert len(emptied(spool)) == 100 - sum(lines for lines, _ in dropped)
    spool.close()


def test_what_waits_already_is_not_dropped_because_the_bound_is_lower_now(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=400_000)
    batches = [b"m v=1 %d\n" % number + os.urandom(30_000).hex().encode() for number in range(10)]
    for one in batches:
        spool.append(one, 1)
    spool.close()
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path, max_bytes=100_000, dropped=dropped)
    found = spool.size
    assert found > 200_000
    spool.append(batch(1), 1)
    # New points only take the place of as many old ones, as in any full spool.
    assert 150_000 < spool.size <= found
    assert sum(number for number, _ in dropped) <= 4, "the oldest segment"
    left = emptied(spool)
    assert left[-1] == batch(1)
    assert len(left) + sum(number for number, _ in dropped) == 11
    # When it has been sent, the lower bound is in force.
    for one in batches:
        spool.append(one, 1)
    assert spool.size <= 100_000
    spool.close()


def test_the_batch_that_is_being_sent_is_never_given_up(tmp_path: Path) -> None:
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path, max_bytes=20_000, dropped=dropped)
    data = os.urandom(1_000).hex().encode()
    spool.append(batch(1), 1)
    oldest = spool.read_oldest()
    assert oldest is not None
    for _ in range(60):
        spool.append(data, 1)
    spool.remove_oldest(oldest)
    assert 1 + sum(lines for lines, _ in dropped) + spool.lines == 61
    spool.close()


def test_queues_of_several_processes_are_adopted_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    second.append(batch(1), 1)
    first.append(batch(2), 1)
    first._new_segment()
    first.append(batch(3), 1)
    second._new_segment()
    second.append(batch(4), 1)
    first.close()
    second.close()
    for directory in {path.parent for path in segments(tmp_path)}:
        os.utime(directory, (1, 1))  # as coarse as some file systems have it
    spool = opened(tmp_path)
    assert emptied(spool) == [batch(number) for number in (1, 2, 3, 4)]
    spool.close()


def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([3, 1, 2])
    monkeypatch.setattr(spool_module.time, "time_ns", lambda: next(times))
    spool = opened(tmp_path)
    for number in range(3):
        spool._new_segment()
        spool.append(batch(number), 1)
    spool.close()
    spool = opened(tmp_path)
    assert emptied(spool) == [batch(number) for number in range(3)]
    spool.close()


def _killed(root: Path, ready: object) -> None:
    spool = opened(root)
    for number in range(10):
        spool.append(batch(number), 1)
    os.kill(os.getpid(), 9)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path, None))
    process.start()
    process.join()
    assert process.exitcode == -9
    spool = opened(tmp_path)
    assert emptied(spool) == [batch(number) for number in range(10)]
    spool.close()


def test_a_forked_child_leaves_the_parents_queue_alone(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(1), 1)
    child = os.fork()
    if child == 0:
        spool.forget_after_fork()
        other = opened(tmp_path)
        os._exit(other.lines)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert opened(tmp_path).lines == 0
    assert emptied(spool) == [batch(1)]
    spool.close()


def test_what_is_held_in_memory_too_is_bounded(tmp_path: Path) -> None:
    dropped: list[tuple[int, str]] = []
    spool = opened(tmp_path, max_bytes=2_000_000, dropped=dropped)
    for _ in range(40):
        spool.append(os.urandom(150_000).hex().encode(), 1)
        held = sum(len(one.data()) for segment in spool._segments for _, one in segment.fresh)
        assert held == spool._fresh_bytes <= spool_module.FRESH_BYTES
    assert dropped
    emptied(spool)
    assert spool._fresh_bytes == 0
    spool.close()


@pytest.mark.parametrize("fresh_bytes", [0, 25, 1_000_000])
@given(steps=st.lists(st.sampled_from(["append", "done", "reopen"]), max_size=40))
def test_every_acknowledged_batch_is_there_until_it_is_done(
    tmp_path_factory: pytest.TempPathFactory, fresh_bytes: int, steps: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool_module, "FRESH_BYTES", fresh_bytes)
        _acknowledged_until_done(tmp_path_factory.mktemp("spool"), steps)


def _acknowledged_until_done(root: Path, steps: list[str]) -> None:
    spool = opened(root)
    waiting: list[bytes] = []
    replayed_at_most: list[bytes] = []
    number = 0
    for step in steps:
        if step == "append":
            spool.append(batch(number), 1)
            waiting.append(batch(number))
            number += 1
        elif step == "done" and (oldest := spool.read_oldest()) is not None:
            replayed_at_most.append(oldest.data())
            if oldest.data() in waiting:
                waiting.remove(oldest.data())
            spool.remove_oldest(oldest)
        elif step == "reopen":
            spool.close()
            spool = opened(root)
    found = emptied(spool)
    spool.close()
    assert [data for data in found if data in waiting] == waiting
    assert set(found) <= set(waiting) | set(replayed_at_most)
