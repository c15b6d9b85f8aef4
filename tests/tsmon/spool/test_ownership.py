"""Who may touch a queue of the spool."""

import fcntl
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tsmon.spool import ownership
from tsmon.spool.ownership import QueueDirectory, adopt_orphans, sync_directory


def test_a_queue_belongs_to_who_made_it_until_it_is_released(tmp_path: Path) -> None:
    queue = QueueDirectory.create(tmp_path)
    assert adopt_orphans(tmp_path) == []
    queue.release()
    [adopted] = adopt_orphans(tmp_path)
    assert adopted.path == queue.path
    assert adopt_orphans(tmp_path) == []
    adopted.remove()
    assert list(tmp_path.iterdir()) == []


def _die(root: Path, ready: Connection) -> None:
    QueueDirectory.create(root)
    ready.send(None)
    os.kill(os.getpid(), 9)


def test_a_queue_is_an_orphan_as_soon_as_its_process_was_killed(tmp_path: Path) -> None:
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_die, args=(tmp_path, theirs))
    process.start()
    mine.recv()
    process.join()
    assert len(adopt_orphans(tmp_path)) == 1


def test_of_many_adopters_one_gets_a_queue(tmp_path: Path) -> None:
    for _ in range(20):
        QueueDirectory.create(tmp_path).release()
    adopted: list[QueueDirectory] = []
    start = threading.Barrier(4)

    def adopt() -> None:
        start.wait()
        adopted.extend(adopt_orphans(tmp_path))

    threads = [threading.Thread(target=adopt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({queue.path for queue in adopted}) == len(adopted) == 20


def test_what_is_no_queue_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").touch()
    assert adopt_orphans(tmp_path) == []
    assert adopt_orphans(tmp_path / "absent") == []
    assert len(list(tmp_path.iterdir())) == 2


def test_names_reach_the_disk_with_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[Path, set[str]]] = []

    def seen(path: Path) -> None:
        synced.append((path, {entry.name for entry in path.iterdir()}))
        sync_directory(path)

    monkeypatch.setattr(ownership, "sync_directory", seen)
    queue = QueueDirectory.create(tmp_path / "state" / "spool" / "bucket")
    assert synced == [
        (tmp_path, {"state"}),
        (tmp_path / "state", {"spool"}),
        (tmp_path / "state" / "spool", {"bucket"}),
        (tmp_path / "state" / "spool" / "bucket", {queue.path.name}),
        (queue.path, {ownership.LOCK_NAME}),
    ]
    queue.release()


def test_a_new_queue_that_another_process_adopted_at_once_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopted: list[QueueDirectory] = []
    lock = fcntl.flock

    def interrupted(fd: int, operation: int) -> None:
        if not adopted:
            adopted.append(QueueDirectory(tmp_path, -1))
            adopted.extend(adopt_orphans(tmp_path))
        lock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", interrupted)
    queue = QueueDirectory.create(tmp_path)
    assert [one.path for one in adopted[1:]] != [queue.path]
    assert len(adopted) == 2
    assert queue.path.is_dir()
