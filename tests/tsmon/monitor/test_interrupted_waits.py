"""A signal handler may raise while a program waits for the thread of its Monitor, or call the Monitor itself."""

import asyncio
import contextlib
import itertools
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.alarms import interrupt
from tests.services.points import Numbered
from tests.tsmon.monitor.test_background import until
from tests.tsmon.monitor.test_interrupts import check_stopped, locks_of, settings, stored
from tsmon import Monitor
from tsmon.monitor.background import BackgroundMonitor
from tsmon.stores.memory import MemoryStore

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers"),
    # Python ignores an alarm that comes in a finalizer, and says so; see alarms.interrupt().
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class SlowStore(MemoryStore):
    """Its writes last longer than any test."""

    def __init__(self) -> None:
        super().__init__()
        self.is_writing = threading.Event()

    async def write(self, lines: bytes) -> None:
        """Never ends."""
        self.is_writing.set()
        await asyncio.sleep(60.0)


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "tsmon"]


def check_ended(one: BackgroundMonitor) -> None:
    assert not one.is_running
    until(lambda: not own_threads())  # One that was begun too late ends at once.
    assert not any(lock.locked() for lock in locks_of(one))  # type: ignore[attr-defined]


@contextlib.contextmanager
def at_alarm(handler: Callable[[], object], after_s: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda *_: handler())
    try:
        signal.setitimer(signal.ITIMER_REAL, after_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def stop_in_time(one: BackgroundMonitor) -> None:
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 4.0
    check_ended(one)


@pytest.mark.parametrize("longest_s", [0.000_3, 0.003])
def test_flushing(tmp_path: Path, longest_s: float) -> None:
    store = MemoryStore()
    numbers = itertools.count()
    one = Monitor(settings(tmp_path), store=store).start_in_background()

    def flush() -> None:
        one.emit(Numbered(n=next(numbers)))
        one.flush(20.0)

    interrupt(flush, 500, longest_s)
    one.flush(20.0)
    stop_in_time(one)
    counts = check_stopped(one)
    assert counts.dropped == 0
    assert stored(store) == counts.written


def test_flushing_without_a_limit_while_the_store_is_slow(tmp_path: Path) -> None:
    one = Monitor(settings(tmp_path), store=SlowStore()).start_in_background()
    one.emit(Numbered(n=1))
    interrupt(one.flush, 200)
    one.stop(0.05)
    check_ended(one)
    assert check_stopped(one).dropped_by == {"stopped": 1}


@pytest.mark.parametrize("longest_s", [0.000_3, 0.005])
def test_starting_and_stopping(tmp_path: Path, caplog: pytest.LogCaptureFixture, longest_s: float) -> None:
    store = MemoryStore()
    numbers = itertools.count()
    monitor = Monitor(settings(tmp_path), store=store)
    one = monitor.start_in_background()
    one.stop()

    def cycle() -> None:
        one.start()
        one.emit(Numbered(n=next(numbers)))
        one.stop(20.0)

    for seed in range(100):
        # Two alarms, the second into what the first one has left, and then either way on.
        interrupt(cycle, 2, longest_s, seed)
        if seed % 2:
            one.start()
            one.flush(20.0)
        stop_in_time(one)
    counts = check_stopped(one)
    assert stored(store) == counts.written
    one.start()
    one.emit(Numbered(n=next(numbers)))
    one.stop()
    assert one.counts.written == counts.written + 1
    assert "event loop ended" not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_an_interrupted_stop_goes_on_for_the_time_of_the_next_one(tmp_path: Path) -> None:
    def time_out() -> None:
        raise TimeoutError("the program's own")

    store = SlowStore()
    one = Monitor(settings(tmp_path), store=store).start_in_background()
    one.emit(Numbered(n=1))
    assert store.is_writing.wait(20.0)
    with at_alarm(time_out, 0.05), pytest.raises(TimeoutError, match="the program's own"):
        one.stop(60.0)
    began = time.monotonic()
    one.stop(0.1)
    assert time.monotonic() - began < 4.0
    check_ended(one)
    assert check_stopped(one).dropped_by == {"stopped": 1}


@pytest.mark.parametrize("call", ["stop", "flush", "start"])
def test_a_signal_handler_may_call_it_during_a_stop(tmp_path: Path, call: str) -> None:
    store = SlowStore()
    one = Monitor(settings(tmp_path), store=store).start_in_background()
    one.emit(Numbered(n=1))
    assert store.is_writing.wait(20.0)
    ended = []

    def handle() -> None:
        if call == "stop":
            one.stop(0.1)
        elif call == "flush":
            with contextlib.suppress(Exception):
                one.flush(0.1)
        else:
            one.start()
        ended.append(call)

    began = time.monotonic()
    with at_alarm(handle, 0.05):
        one.stop(0.3 if call == "start" else 1.0)
    assert ended == [call]
    assert time.monotonic() - began < 8.0
    one.stop()
    check_ended(one)
    assert check_stopped(one).dropped_by == {"stopped": 1}


@pytest.mark.parametrize("call", ["stop", "start"])
def test_a_signal_handler_may_call_it_at_any_moment(tmp_path: Path, call: str) -> None:
    numbers = itertools.count()
    store = MemoryStore()
    one = Monitor(settings(tmp_path), store=store).start_in_background()
    handled = 0

    def handle() -> None:
        nonlocal handled
        handled += 1
        getattr(one, call)()

    for after_us in range(1, 3_000, 60):
        with at_alarm(handle, after_us / 1e6), contextlib.suppress(Exception):
            one.start()
            one.emit(Numbered(n=next(numbers)))
            one.flush(20.0)
            one.stop(20.0)
    assert handled
    one.stop()
    check_ended(one)
    counts = check_stopped(one)
    assert stored(store) == counts.written


def test_what_interrupts_the_start_of_with(tmp_path: Path) -> None:
    store = MemoryStore()
    monitor = Monitor(settings(tmp_path), store=store)
    with monitor:
        pass

    def use() -> None:
        with monitor as one:
            one.emit(Numbered(n=1))

    for seed in range(50):
        interrupt(use, 1, 0.002, seed)
        monitor.at_exit()
        until(lambda: not own_threads())
    check_stopped(monitor)
