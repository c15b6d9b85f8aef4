"""A signal handler may raise at any moment: no lock stays held, no line is lost, doubled or miscounted."""

import itertools
import signal
import threading
from collections.abc import Callable

import pytest

from tests.services.alarms import interrupt
from tsmon.delivery.buffer import Buffer
from tsmon.threads.locks import Attempt

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")

ALARMS = 3_000


def check(buffer: Buffer) -> None:
    found = buffer.counts(nonfinite_fields=0)
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped


def test_lines_that_are_appended_and_sealed_are_all_there() -> None:
    buffer = Buffer(10_000_000, batch_lines=3)
    numbers = itertools.count()
    appended: list[int] = []
    written: list[int] = []
    is_over = threading.Event()

    def emit() -> None:
        # One call in C takes the number, so that it is known which were taken; whether it is appended is open.
        appended.append(next(numbers))
        buffer.lines.append(str(appended[-1]))
        if len(buffer.lines) >= buffer.block_lines:
            buffer.seal()
        buffer.refuse(1)
        check(buffer)

    def deliver() -> None:
        while not is_over.is_set() or buffer.waiting:
            if (batch := buffer.take()) is not None:
                written.extend(map(int, batch.data.split(b"\n")))
                buffer.count_written(batch.lines)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        interrupt(emit, ALARMS)
    finally:
        is_over.set()
        thread.join(20.0)
    assert not buffer._lock.locked()
    found = buffer.counts(nonfinite_fields=0)
    assert written == sorted(set(written))
    assert (found.accepted, found.written, found.pending, found.dropped) == (len(written), len(written), 0, 0)
    # An alarm may come between the number and its line, no more than that.
    assert len(appended) - ALARMS <= len(written) <= len(appended)
    assert len(written) - ALARMS <= found.refused <= len(written)


def every_move(buffer: Buffer) -> list[Callable[[], object]]:
    return [
        lambda: buffer.lines.append("line"),
        lambda: buffer.lines.append("line"),
        lambda: buffer.lines.append("line"),
        buffer.seal,
        lambda: buffer.seal(wait=True),
        buffer.take,
        lambda: buffer.take(10),
        lambda: buffer.count_written(2),
        lambda: buffer.count_dropped(1, "rejected"),
        lambda: buffer.count_spilled(2, None),
        lambda: buffer.count_recalled(1),
        lambda: buffer.count_put_back(1),
        lambda: buffer.count_recovered(1),
        lambda: buffer.count_dropped_from_disk(1, "spool full"),
        lambda: buffer.accept_dropped(1, "stopped"),
        lambda: buffer.refuse(1),
        buffer.mark_durable,
        lambda: buffer.close("stopped"),
        buffer.reopen,
    ]


def test_every_move_of_lines_happens_or_does_not() -> None:
    buffer = Buffer(2_000, batch_lines=5)
    moves = itertools.cycle(every_move(buffer))

    def move() -> None:
        next(moves)()
        assert buffer.held_bytes <= 2_000

    for seed in range(10):
        interrupt(move, ALARMS // 10, seed=seed)
        assert not buffer._lock.locked()
        check(buffer)
    buffer.close("stopped")
    found = buffer.counts(nonfinite_fields=0)
    assert buffer.in_flight == 0
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped


def test_an_attempt_to_take_a_lock_is_never_cut_in_two() -> None:
    lock = threading.Lock()
    attempt = Attempt(lock)
    entered = 0

    def enter() -> None:
        nonlocal entered
        acquired = False
        try:
            with attempt as acquired:
                assert acquired
                entered += 1
        finally:
            if acquired:
                lock.release()

    interrupt(enter, ALARMS, 0.000_05)
    assert entered
    assert not lock.locked()
    with lock, attempt as acquired:
        assert acquired is False
    assert not lock.locked()
