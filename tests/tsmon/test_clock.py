import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.services.alarms import interrupt
from tsmon.clock import UniqueClock, _Guarded


class Scripted:
    """Clock that gives the times it was told, the last one for ever."""

    def __init__(self, *times_ns: int) -> None:
        self.times_ns = list(times_ns)

    def __call__(self) -> int:
        return self.times_ns.pop(0) if len(self.times_ns) > 1 else self.times_ns[0]


def test_times_are_the_systems_and_end_in_the_slot() -> None:
    clock = UniqueClock(slot=42)
    before = time.time_ns()
    taken = clock()
    after = time.time_ns()
    assert before - 1_000 < taken < after + 1_000
    assert taken % 1_000 == 42


def test_the_slot_comes_from_the_process() -> None:
    assert UniqueClock()() % 1_000 == os.getpid() * 7 % 1_000


def test_times_of_one_thread_increase() -> None:
    clock = UniqueClock()
    times = [clock() for _ in range(50_000)]
    assert all(a < b for a, b in itertools.pairwise(times))


def test_calls_in_one_instant_are_a_microsecond_apart() -> None:
    clock = UniqueClock(Scripted(5_000_000), slot=7)
    assert [clock() for _ in range(3)] == [5_000_007, 5_001_007, 5_002_007]


def test_times_are_unique_over_threads_that_compete() -> None:
    """A switch interval of a microsecond makes threads meet inside the generator all the time."""
    clock = UniqueClock()
    start = threading.Barrier(8)
    taken: list[list[int]] = [[] for _ in range(8)]

    def take(times: list[int]) -> None:
        start.wait()
        times += [clock() for _ in range(10_000)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=take, args=(times,)) for times in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len({time_ns for times in taken for time_ns in times}) == 80_000


def test_a_call_from_within_a_call_gets_a_time_of_its_own() -> None:
    """As from a signal handler or a finalizer that interrupts the clock."""
    inner: list[int] = []

    def read() -> int:
        if len(inner) < 3:
            inner.append(0)
            inner[inner.index(0)] = clock()
        return 9_000_000

    clock = UniqueClock(read, slot=998)
    times = [clock(), *inner]
    assert sorted(time_ns % 1_000 for time_ns in times) == [0, 1, 998, 999]
    assert len(set(times)) == 4


def test_a_small_step_back_is_bridged(caplog: pytest.LogCaptureFixture) -> None:
    clock = UniqueClock(Scripted(10_000_000_000, 9_000_001_000, 10_000_500_000), slot=0)
    assert [clock() for _ in range(3)] == [10_000_000_000, 10_000_001_000, 10_000_500_000]
    assert caplog.records == []


def test_a_step_back_of_more_than_a_second_rebases_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = UniqueClock(Scripted(10_000_000_000, 8_500_000_000), slot=0)
    with caplog.at_level(logging.WARNING, "tsmon"):
        assert [clock() for _ in range(3)] == [10_000_000_000, 8_500_000_001, 8_500_001_001]
    assert [record.getMessage() for record in caplog.records] == ["the system clock stepped back by 1.500 s"]


def test_times_stay_unique_when_the_clock_comes_by_a_second_time() -> None:
    instants = [second * 1_000_000_000 for second in range(100, 110)]
    clock = UniqueClock(Scripted(*instants, *instants, *instants), slot=999)
    times = [clock() for _ in range(30)]
    assert len(set(times)) == 30
    assert [time_ns // 1_000 * 1_000 for time_ns in times] == instants * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_takes_a_slot_of_its_own() -> None:
    script = """
import os
from tests.services.alarms import interrupt
from tsmon.clock import UniqueClock, _Guarded
clock = UniqueClock(lambda: 5_000_000)
ours = clock()
reader, writer = os.pipe()
child = os.fork()
if not child:
    os.write(writer, str(clock()).encode())
    os._exit(0)
os.waitpid(child, 0)
theirs = int(os.read(reader, 100))
assert ours % 1000 == os.getpid() * 7 % 1000
assert theirs % 1000 == child * 7 % 1000, (theirs, child)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_clock_that_a_signal_handler_broke_goes_on() -> None:
    """An exception that a handler raises within a generator ends the generator."""
    interrupted = False

    def read() -> int:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt
        return 7_000_000

    clock = UniqueClock(read, slot=3)
    with pytest.raises(KeyboardInterrupt):
        next(clock.ticks)
    assert [clock() for _ in range(3)] == [7_000_004, 7_001_004, 7_002_004]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_a_clock_that_is_interrupted_often_stays_unique_and_keeps_nothing_of_it() -> None:
    clock = UniqueClock()
    taken: list[int] = []
    interrupt(lambda: taken.append(clock()), 2_000, 0.000_1)
    assert len(set(taken)) == len(taken) > 2_000
    assert len(clock._spare) <= 1
    assert clock() < int(next(clock.ticks))


def test_without_a_global_lock_a_busy_clock_says_so_itself() -> None:
    def twice() -> Iterator[str]:
        with pytest.raises(ValueError, match="busy"):
            next(ticks)
        yield "1"

    ticks = _Guarded(twice())
    assert next(ticks) == "1"
