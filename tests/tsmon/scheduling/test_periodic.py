import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from tests.tsmon_agent.waiting import eventually
from tsmon.scheduling import periodic
from tsmon.scheduling.periodic import Periodic


async def test_first_call_is_at_once_and_the_others_follow() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    every = Periodic(lambda: times.append(loop.time()), 0.05, at_once=True)
    began = loop.time()
    every.start()
    assert len(times) == 1
    await eventually(lambda: len(times) == 4)
    every.stop()
    assert loop.time() - began >= 0.1


async def test_nothing_comes_after_the_stop() -> None:
    calls: list[int] = []
    every = Periodic(lambda: calls.append(1), 0.01, at_once=True)
    every.start()
    every.stop()
    every.stop()
    await asyncio.sleep(0.05)
    assert calls == [1]


async def test_missed_calls_are_not_made_up_for() -> None:
    calls: list[datetime] = []
    every = Periodic(lambda: calls.append(datetime.now(UTC)), 0.05, at_once=True)
    every.start()
    assert every._scheduler is not None
    first_due = every._scheduler.get_job(periodic.JOB).next_run_time
    time.sleep(0.23)
    await eventually(lambda: len(calls) == 3)
    every.stop()
    # Whenever they come, one makes up for all that were missed, and the other waits for its own turn.
    turns = [(call - first_due) // timedelta(seconds=0.05) for call in calls]
    assert 3 <= turns[1] < turns[2]


async def test_action_that_raises_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def action() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("once")

    every = Periodic(action, 0.01, at_once=True)
    every.start()
    await eventually(lambda: len(calls) >= 4)
    every.stop()
    assert "once" in caplog.text


async def test_calls_go_on_soon_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "WATCH_S", 0.05)
    calls: list[int] = []
    every = Periodic(lambda: calls.append(1), 0.02, at_once=True)
    with freeze_time(datetime.now(UTC), real_asyncio=True, tick=True) as frozen:
        every.start()
        frozen.move_to(datetime(2001, 1, 1, tzinfo=UTC))
        await eventually_monotonic(calls)
    every.stop()


async def eventually_monotonic(calls: list[int]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 10
    while len(calls) < 3:
        assert loop.time() < deadline
        await asyncio.sleep(0.01)


async def test_clock_that_learns_the_date_after_the_boot_costs_nothing() -> None:
    calls: list[int] = []
    every = Periodic(lambda: calls.append(1), 0.01, at_once=True)
    with freeze_time(datetime(1970, 1, 1, tzinfo=UTC), real_asyncio=True, tick=True) as frozen:
        every.start()
        frozen.move_to(datetime(2026, 11, 22, tzinfo=UTC))
        await eventually_monotonic(calls)
    every.stop()
