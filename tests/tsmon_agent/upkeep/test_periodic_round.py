"""Runs in the background, one at a time."""

import asyncio

from tsmon_agent.upkeep import PeriodicRound


async def test_a_run_is_not_begun_while_the_last_one_continues() -> None:
    begun: list[int] = []
    gate = asyncio.Event()

    async def run() -> None:
        begun.append(len(begun))
        await gate.wait()

    rounds = PeriodicRound(run, 3600.0)
    await rounds.wait()
    rounds.run_soon()
    rounds.run_soon()
    await asyncio.sleep(0)
    assert begun == [0]
    gate.set()
    await rounds.wait()
    rounds.run_soon()
    await rounds.wait()
    assert begun == [0, 1]


async def test_the_first_run_is_at_once_where_that_is_wanted_and_the_stop_cancels_it() -> None:
    ended: list[str] = []

    async def run() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    rounds = PeriodicRound(run, 3600.0, at_once=True)
    rounds.start()
    await asyncio.sleep(0.01)
    rounds.stop()
    await rounds.wait()
    assert ended == ["cancelled"]


async def test_it_runs_again_after_the_period() -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(1)

    rounds = PeriodicRound(run, 3600.0)
    rounds.start()
    rounds.set_period(0.01)
    while len(runs) < 3:
        await asyncio.sleep(0.01)
    rounds.stop()
