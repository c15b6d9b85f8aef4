"""The pool of real threads."""

import threading

import pytest

from tsmon.threads.native_pool import NativePool

WAIT_S = 20.0


def test_one_worker_does_everything_in_order() -> None:
    pool = NativePool(1, "pool")
    done: list[int] = []
    threads = set()
    last = threading.Event()

    def work(n: int) -> None:
        threads.add(threading.get_ident())
        done.append(n)

    for n in range(100):
        pool.submit(lambda n=n: work(n))  # type: ignore[misc]
    pool.submit(last.set)
    assert last.wait(WAIT_S)
    assert done == list(range(100))
    assert len(threads) == 1
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(last.set)


def test_workers_are_started_as_they_are_needed_and_used_again() -> None:
    pool = NativePool(3, "pool")
    meeting = threading.Barrier(4)
    for _ in range(3):
        pool.submit(meeting.wait)  # type: ignore[arg-type]
    meeting.wait(WAIT_S)
    for _ in range(3):
        done = threading.Event()
        pool.submit(done.set)
        assert done.wait(WAIT_S)
    assert pool._workers <= 3
    pool.shutdown()
