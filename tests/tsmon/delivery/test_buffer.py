"""The buffer: bounds, order, accounting, under whatever happens in between."""

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.delivery.accounting import Counts
from tsmon.delivery.blocks import Batch
from tsmon.delivery.buffer import Buffer


def counts(buffer: Buffer) -> Counts:
    found = buffer.counts(nonfinite_fields=0)
    assert found.accepted + found.recovered == found.written + found.pending + found.dropped
    return found


def drain(buffer: Buffer, max_bytes: int | None = None) -> list[Batch]:
    batches = []
    while (batch := buffer.take(max_bytes)) is not None:
        batches.append(batch)
    return batches


def test_lines_come_out_in_order_and_are_settled_by_the_store() -> None:
    buffer = Buffer(1_000_000)
    buffer.lines.extend(["a", "b"])
    assert counts(buffer).pending == 2
    batch = buffer.take()
    assert batch == Batch(b"a\nb", 2, start=0)
    assert counts(buffer).pending == 2
    buffer.count_written(1)
    buffer.count_dropped(1, "rejected")
    found = counts(buffer)
    assert (found.accepted, found.written, found.pending, found.dropped_by) == (2, 1, 0, {"rejected": 1})
    assert buffer.take() is None


@pytest.mark.parametrize("batch_lines", [1, 7, 100, 500, 1_700])
def test_a_batch_never_has_more_lines_than_its_limit(batch_lines: int) -> None:
    buffer = Buffer(10_000_000, batch_lines=batch_lines)
    sent = [f"line {n}" for n in range(2_000)]
    buffer.lines.extend(sent)
    batches = drain(buffer)
    assert max(batch.lines for batch in batches) <= batch_lines
    assert b"\n".join(batch.data for batch in batches).decode().split("\n") == sent


def test_a_batch_never_has_more_bytes_than_its_limit_unless_it_is_one_line() -> None:
    buffer = Buffer(10_000_000, batch_bytes=1_000)
    buffer.lines.extend(["x" * 30] * 400 + ["y" * 5_000] + ["z" * 999] * 3)
    batches = drain(buffer)
    assert all(len(batch.data) <= 1_000 or batch.lines == 1 for batch in batches)
    assert sum(batch.lines for batch in batches) == 404
    assert len(batches) < 30


def test_a_smaller_limit_may_be_asked_for() -> None:
    buffer = Buffer(10_000_000)
    for _ in range(10):
        buffer.lines.append("x" * 100)
        buffer.seal()
    assert [batch.lines for batch in drain(buffer, 350)] == [3, 3, 3, 1]


@pytest.mark.parametrize(("lines", "full"), [(["a"] * 2, False), (["a"] * 3, True), (["x" * 1_000], True)])
def test_a_full_batch_is_known_by_lines_and_by_bytes(lines: list[str], full: bool) -> None:
    buffer = Buffer(10_000_000, batch_lines=3, batch_bytes=1_000)
    buffer.lines.extend(lines)
    buffer.seal()
    assert buffer.full_batch is full
    drain(buffer)
    assert buffer.full_batch is False


def test_the_oldest_lines_go_when_it_is_full() -> None:
    buffer = Buffer(10_000)
    sent = [f"{n:099}" for n in range(300)]
    buffer.lines.extend(sent)
    buffer.seal()
    kept = b"\n".join(batch.data for batch in drain(buffer)).decode().split("\n")
    assert 70 <= len(kept) <= 100
    assert kept == sent[-len(kept) :]
    assert counts(buffer).dropped_by == {"buffer full": 300 - len(kept)}
    assert buffer.dropped_for("buffer full") == 300 - len(kept)


def test_lines_in_flight_count_towards_the_bound_but_are_never_evicted() -> None:
    buffer = Buffer(10_000)
    buffer.lines.extend(["x" * 99] * 90)
    in_flight = buffer.take()
    assert in_flight is not None
    buffer.lines.extend(["y" * 99] * 90)
    buffer.seal()
    waiting = sum(batch.lines for batch in drain(buffer))
    assert in_flight.lines * 99 + waiting * 99 <= 10_000
    assert counts(buffer).pending == in_flight.lines + waiting


def test_a_line_beyond_the_bound_is_dropped_and_counted() -> None:
    buffer = Buffer(10_000)
    buffer.lines.append("x" * 10_001)
    buffer.seal()
    assert counts(buffer).dropped_by == {"buffer full": 1}
    assert buffer.take() is None


def test_what_is_settled_is_known_up_to_the_oldest_line_that_is_not() -> None:
    buffer = Buffer(1_000_000, batch_lines=2)
    buffer.lines.extend("abcd")
    buffer.seal()
    assert (buffer.sealed, buffer.settled) == (4, 0)
    buffer.take()
    buffer.count_written(1)
    assert buffer.settled == 0
    buffer.count_written(1)
    assert buffer.settled == 2
    buffer.accept_dropped(100, "stopped")
    assert (buffer.sealed, buffer.settled) == (4, 2)


def test_a_closed_buffer_gives_up_what_it_has_and_what_still_comes() -> None:
    buffer = Buffer(1_000_000, batch_lines=2)
    buffer.lines.extend("abcd")
    buffer.take()
    buffer.lines.append("e")
    assert buffer.close("stopped") == 5
    buffer.lines.append("late")
    assert len(buffer.lines) >= buffer.block_lines
    buffer.seal()
    buffer.count_written(2)
    found = counts(buffer)
    assert (found.accepted, found.written, found.pending, found.dropped_by) == (6, 0, 0, {"stopped": 6})


@dataclass
class Model:
    """The accounting by simple means."""

    accepted: int = 0
    written: int = 0
    dropped: int = 0
    refused: int = 0
    in_flight: int = 0


STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 700)),
    st.tuples(st.just("seal"), st.just(0)),
    st.tuples(st.just("take"), st.integers(500, 20_000)),
    st.tuples(st.just("written"), st.integers(1, 900)),
    st.tuples(st.just("dropped"), st.integers(1, 900)),
    st.tuples(st.just("aside"), st.integers(1, 9)),
    st.tuples(st.just("refuse"), st.integers(1, 9)),
)


@given(
    st.integers(10_000, 60_000),
    st.integers(1, 800),
    st.integers(1_000, 30_000),
    st.integers(1, 400),
    st.lists(STEPS, max_size=60),
    st.booleans(),
)
def test_the_accounting_and_the_bound_hold_after_every_step(
    max_bytes: int, batch_lines: int, batch_bytes: int, length: int, steps: list[tuple[str, int]], close: bool
) -> None:
    buffer = Buffer(max_bytes, batch_lines=batch_lines, batch_bytes=batch_bytes)
    model = Model()
    sequence = 0
    settled = newest = 0
    for step, number in steps:
        if step == "append":
            for _ in range(number):
                sequence += 1
                buffer.lines.append(f"{sequence}".ljust(length, "x"))
                if len(buffer.lines) >= buffer.block_lines:
                    buffer.seal()
            model.accepted += number
        elif step == "seal":
            assert buffer.seal(wait=True)
        elif step == "take":
            batch = buffer.take(number)
            if batch is not None:
                assert batch.lines <= batch_lines
                assert len(batch.data) <= batch_bytes or batch.lines == 1
                assert batch.data.count(b"\n") == batch.lines - 1
                model.in_flight += batch.lines
                numbers = [int(line.rstrip(b"x")) for line in batch.data.split(b"\n")]
                assert numbers == list(range(numbers[0], numbers[0] + batch.lines))
                assert numbers[0] > newest
                newest = numbers[-1]
        elif step in ("written", "dropped"):
            lines = min(number, model.in_flight)
            model.in_flight -= lines
            if step == "written":
                buffer.count_written(lines)
                model.written += lines
            else:
                buffer.count_dropped(lines, "rejected")
                model.dropped += lines
        elif step == "aside":
            buffer.accept_dropped(number, "stopped")
            model.accepted += number
            model.dropped += number
        else:
            buffer.refuse(number)
            model.refused += number
        found = counts(buffer)
        full = found.dropped_by.get("buffer full", 0)
        assert (found.accepted, found.written, found.refused) == (model.accepted, model.written, model.refused)
        assert found.dropped == model.dropped + full
        assert found.pending >= model.in_flight
        assert buffer.held_bytes <= max_bytes
        assert settled <= buffer.settled <= buffer.sealed
        settled = buffer.settled
    if close:
        left = counts(buffer).pending
        assert buffer.close("stopped") == left
        assert counts(buffer).pending == 0


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("switching_often")
def test_no_line_is_lost_or_doubled_among_threads() -> None:
    buffer = Buffer(100_000_000)
    begin = threading.Barrier(9)

    def append(name: int) -> None:
        begin.wait()
        for n in range(3_000):
            buffer.lines.append(f"{name}.{n}")
            if len(buffer.lines) >= buffer.block_lines:
                buffer.seal()

    threads = [threading.Thread(target=append, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    begin.wait()
    taken: list[str] = []
    while any(thread.is_alive() for thread in threads) or counts(buffer).pending:
        for batch in drain(buffer):
            taken += batch.data.decode().split("\n")
            buffer.count_written(batch.lines)
    assert len(taken) == len(set(taken)) == 24_000
    for name in range(8):
        own = [int(line.partition(".")[2]) for line in taken if line.startswith(f"{name}.")]
        assert own == sorted(own)
    assert counts(buffer).written == 24_000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_a_signal_handler_may_append_seal_and_count_at_any_moment() -> None:
    buffer = Buffer(1_000_000, batch_lines=5)
    handled = 0

    def handle(*_: object) -> None:
        nonlocal handled
        handled += 1
        buffer.lines.append("from the handler")
        buffer.seal()
        buffer.accept_dropped(1, "stopped")
        buffer.refuse(1)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        appended = 0
        while handled < 200:
            appended += 1
            buffer.lines.append("ordinary")
            buffer.seal(wait=True)
            for batch in drain(buffer):
                buffer.count_written(batch.lines)
            counts(buffer)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    for batch in drain(buffer):
        buffer.count_written(batch.lines)
    found = counts(buffer)
    assert found.written == appended + handled
    assert (found.dropped, found.refused) == (handled, handled)


def test_a_finalizer_may_append_and_count_at_any_moment() -> None:
    buffer = Buffer(1_000_000, batch_lines=5)
    finalized = 0

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            nonlocal finalized
            finalized += 1
            buffer.lines.append("from a finalizer")
            buffer.seal()
            buffer.accept_dropped(1, "stopped")

    thresholds = gc.get_threshold()
    gc.set_threshold(2)
    try:
        for _ in range(2_000):
            Cycle()
            buffer.lines.append("ordinary")
            buffer.seal(wait=True)
            for batch in drain(buffer):
                buffer.count_written(batch.lines)
            counts(buffer)
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    for batch in drain(buffer):
        buffer.count_written(batch.lines)
    assert finalized == 2_000
    assert counts(buffer).written == 4_000
    assert counts(buffer).dropped == 2_000
