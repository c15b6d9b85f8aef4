import asyncio
import time
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time

from tests.tsmon_agent.waiting import eventually
from tsmon_agent.ticker import Ticker


async def test_first_call_is_at_once_and_the_others_follow() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    ticker = Ticker(0.05, lambda: times.append(loop.time()))
    began = loop.time()
    ticker.start()
    assert len(times) == 1
    await eventually(lambda: len(times) == 4)
    ticker.stop()
    assert loop.time() - began >= 0.15
    # In step with the first call: never early.
    assert all(at - times[0] >= n * 0.05 - 0.001 for n, at in enumerate(times))


async def test_nothing_comes_after_the_stop() -> None:
    calls: list[int] = []
    ticker = Ticker(0.01, lambda: calls.append(1))
    ticker.start()
    ticker.stop()
    ticker.stop()
    await asyncio.sleep(0.05)
    assert calls == [1]


async def test_missed_calls_are_not_made_up_for() -> None:
    calls: list[float] = []
    loop = asyncio.get_running_loop()
    ticker = Ticker(0.05, lambda: calls.append(loop.time()))
    ticker.start()
    time.sleep(0.23)
    await eventually(lambda: len(calls) == 3)
    ticker.stop()
    assert calls[2] - calls[0] >= 0.25 - 0.001


async def test_action_that_raises_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def action() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("once")

    ticker = Ticker(0.01, action)
    ticker.start()
    await eventually(lambda: len(calls) >= 4)
    ticker.stop()
    assert "once" in caplog.text


async def test_wall_clock_that_is_set_back_changes_nothing() -> None:
    calls: list[int] = []
    ticker = Ticker(0.02, lambda: calls.append(1))
    with freeze_time(datetime.now(UTC), real_asyncio=True) as frozen:
        ticker.start()
        frozen.move_to(datetime(2001, 1, 1, tzinfo=UTC))
        await eventually_monotonic(calls)
    ticker.stop()


async def eventually_monotonic(calls: list[int]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 10
    while len(calls) < 3:
        assert loop.time() < deadline
        await asyncio.sleep(0.01)
