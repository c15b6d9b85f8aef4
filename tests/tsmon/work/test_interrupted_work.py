"""A signal handler may raise at any moment: no work stays in progress, and none stays the current one."""

import contextlib
import signal

import pytest

from tests.services.alarms import interrupt
from tsmon import InProgress, Monitor
from tsmon.settings import MonitoringSettings
from tsmon.testing import MemoryStore
from tsmon.work import InProgressCounter, WorkData, count_exceptions, current_work, measure_work, timed

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")

ALARMS = 2_000


def make_counter() -> InProgressCounter:
    return InProgressCounter(Monitor(MonitoringSettings(self_metrics_period=0), store=MemoryStore()), "exports")


def test_blocks_that_are_interrupted_are_left() -> None:
    exports = make_counter()

    def work() -> None:
        with exports, exports:
            pass

    interrupt(work, ALARMS, 0.000_03)
    assert exports.count == 0
    found = list(exports.collect())
    assert [(type(one), one.count, one.highest) for one in found] == [(InProgress, 0, 2)]


def test_functions_that_are_interrupted_are_left() -> None:
    exports = make_counter()

    @exports
    def work() -> int:
        return exports.count

    interrupt(work, ALARMS, 0.000_03)
    assert exports.count == 0


def test_blocks_that_are_not_empty_are_left_by_exit_stacks_and_by_hand() -> None:
    exports = make_counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(exports)
        assert exports.count == 1
        with exports:
            assert exports.count == 2
    assert exports.count == 0
    exports.__enter__()
    assert exports.count == 1
    exports.__exit__(None, None, None)
    assert exports.count == 0
    exports.leave()
    assert exports.count == 0


def test_work_that_is_interrupted_is_no_longer_the_current_one() -> None:
    outer = WorkData()
    with measure_work(outer):

        def work() -> None:
            assert current_work() is outer, "the interrupted work is still current"
            with measure_work() as data, timed("inner"), count_exceptions("failed"):
                data.add("n", 1)

        interrupt(work, ALARMS, 0.000_1)
        assert current_work() is outer
    assert current_work() is None
    assert not outer.tags
    assert not outer.fields


def test_times_that_are_interrupted_add_up() -> None:
    data = WorkData()

    def work() -> None:
        with timed("time", data):
            pass
        data.add("n", 1)

    interrupt(work, ALARMS, 0.000_03)
    time_s, added = data.fields["time"], data.fields["n"]
    before = added
    work()
    assert data.fields["n"] == before + 1  # type: ignore[operator]
    assert data.fields["time"] > time_s, "later times no longer count"  # type: ignore[operator]
