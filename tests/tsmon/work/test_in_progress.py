"""Work in progress, counted from threads, tasks and functions."""

import asyncio
import os
import threading

import pytest

from tsmon import InProgress, Monitor
from tsmon.testing import EmittedPoints
from tsmon.work import InProgressCounter


@pytest.fixture
def monitor(tsmon: EmittedPoints) -> Monitor:
    return Monitor(service="exporter")


async def test_changes_are_reported_at_each_flush(tsmon: EmittedPoints, monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")
    async with monitor:
        await monitor.flush()
        tsmon.none(InProgress)
        async with exports:
            with exports:
                await monitor.flush()
                assert (tsmon.one(InProgress).count, tsmon.one(InProgress).kind) == (2, "exports")
                await monitor.flush()
                assert len(tsmon.points(InProgress)) == 1
        tsmon.clear()
        await monitor.flush()
        assert (tsmon.one(InProgress).count, tsmon.one(InProgress).highest) == (0, 2)


async def test_a_peak_between_two_flushes_is_reported(tsmon: EmittedPoints, monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")
    async with monitor:
        with exports:
            pass
        await monitor.flush()
    point = tsmon.one(InProgress)
    assert (point.count, point.highest) == (0, 1)


async def test_the_last_change_is_reported_at_the_stop(tsmon: EmittedPoints, monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")
    async with monitor:
        exports.enter()
    assert tsmon.one(InProgress).count == 1
    assert monitor.counts.written == 1


async def test_as_decorator_of_functions_and_coroutine_functions(monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")

    @exports
    def function() -> int:
        return exports.count

    @exports
    async def coroutine() -> int:
        await asyncio.sleep(0)
        return exports.count

    assert function() == 1
    assert sorted(await asyncio.gather(coroutine(), coroutine())) == [1, 2]
    assert exports.count == 0


def test_failed_work_is_no_longer_in_progress(monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")
    with pytest.raises(ZeroDivisionError), exports:
        raise ZeroDivisionError
    assert exports.count == 0


def test_many_threads(monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")

    def work() -> None:
        for _ in range(10_000):
            with exports:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert exports.count == 0


def test_a_forked_child_starts_at_zero(monitor: Monitor) -> None:
    exports = InProgressCounter(monitor, "exports")
    with exports:
        child = os.fork()
        if child == 0:
            code = exports.count
            exports.leave()
            os._exit(code + (exports.count != 0))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert exports.count == 1
