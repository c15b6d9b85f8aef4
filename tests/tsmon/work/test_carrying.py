"""Work that is done in threads and processes that others start."""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from tsmon.errors import DeclarationError, TsmonError
from tsmon.work import WorkData, carry_work, count_exceptions, current_work, measure_work, timed


@count_exceptions("failures")
@timed("match_time")
def match(part: int) -> int:
    """Match one part."""
    work = current_work()
    if work is not None:
        work.add("parts", 1)
    if part < 0:
        raise ValueError(part)
    return 2 * part


def test_into_the_threads_of_an_executor() -> None:
    with ThreadPoolExecutor(4) as executor, measure_work() as data:
        carried = carry_work(match)
        assert list(executor.map(carried, range(100))) == [2 * part for part in range(100)]
        assert executor.submit(carry_work(match), part=5).result() == 10
        with pytest.raises(ValueError, match="-1"):
            executor.submit(carried, -1).result()
        executor.submit(match, 7).result()
    assert data.fields["parts"] == 102
    assert data.fields["failures"] == 1
    assert data.fields["match_time"] > 0
    assert carried.__name__ == "match"
    assert carried.__doc__ == "Match one part."


def test_several_threads_may_be_in_it_at_the_same_time() -> None:
    barrier = threading.Barrier(3)
    with ThreadPoolExecutor(3) as executor, measure_work() as data:
        list(executor.map(carry_work(lambda part: match(barrier.wait(5) + part)), range(3)))
    assert data.fields["parts"] == 3


async def test_into_threads_of_the_event_loop_and_plain_ones() -> None:
    loop = asyncio.get_running_loop()
    with measure_work() as data:
        await loop.run_in_executor(None, carry_work(match), 1)
        await loop.run_in_executor(None, functools.partial(carry_work(match), part=1))
        await asyncio.to_thread(match, 1)
        await asyncio.to_thread(carry_work(match), 1)
        thread = threading.Thread(target=carry_work(match), args=(1,))
        thread.start()
        thread.join()
        timer = threading.Timer(0, carry_work(match), (1,))
        timer.start()
        timer.join()
    assert data.fields["parts"] == 6


async def test_coroutines_to_other_event_loops() -> None:
    async def match_soon(part: int) -> int:
        await asyncio.sleep(0)
        return match(part)

    with measure_work() as data:
        carried = carry_work(match_soon)
        assert await carried(3) == 6
        assert await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(carried(3))) == 6
        here = asyncio.get_running_loop()
        future = carry_work(lambda: asyncio.run_coroutine_threadsafe(match_soon(3), here).result(5))
        assert await here.run_in_executor(None, future) == 6
    assert data.fields["parts"] == 3

    class Matcher:
        async def __call__(self, part: int) -> int:
            return await match_soon(part)

    def begin(part: int) -> Awaitable[int]:
        return match_soon(part)

    with measure_work() as data:
        returned: list[Any] = [carry_work(called) for called in (Matcher(), begin, Matcher().__call__)]
    for carried in returned:
        assert await carried(3) == 6
        assert await asyncio.get_running_loop().run_in_executor(None, lambda c=carried: asyncio.run(c(3))) == 6
    assert data.fields["parts"] == 6
    cancelled = asyncio.create_task(carry_work(asyncio.sleep)(60))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled


def test_what_is_carried_is_the_work_of_that_moment() -> None:
    with measure_work() as first:
        carried = carry_work(match)
    with measure_work() as second:
        carried(1)
        match(1)
    assert (first.fields["parts"], second.fields["parts"]) == (1, 1)
    assert carry_work(match)(1) == 2


def test_the_point_may_be_made_while_threads_still_add() -> None:
    from tsmon import SubtaskExecution

    ends = threading.Event()

    def fill() -> None:
        number = 0
        while not ends.is_set():
            number += 1
            data.fields[f"field{number % 500}"] = number
            data.tags[f"tag{number % 500}"] = "x"

    data = WorkData()
    threads = [threading.Thread(target=fill) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        data.make_point(SubtaskExecution, task_id=1, subtask_id=1, task_type=1)
    ends.set()
    for thread in threads:
        thread.join()


def match_elsewhere(part: int) -> WorkData:
    with measure_work() as data:
        match(part)
        data.tags["host"] = "west"
    return data


def test_processes_return_their_data() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor, measure_work() as data:
        for part in executor.map(match_elsewhere, range(3)):
            data.include(part)
        with pytest.raises(TsmonError, match="cannot be carried into another process; measure it there"):
            executor.submit(carry_work(match), 1).result()
    assert data.fields["parts"] == 3
    assert data.fields["match_time"] > 0
    assert data.tags == {"host": "west"}


def test_including_adds_numbers_and_takes_over_the_rest() -> None:
    data, part = WorkData(), WorkData()
    data.fields.update(n=1, x=0.5, name="a", ok=False)
    part.fields.update(n=2, x=0.25, name="b", ok=True, more=None)
    data.include(part)
    assert data.fields == {"n": 3, "x": 0.75, "name": "b", "ok": True, "more": None}


def test_what_cannot_be_carried_is_refused() -> None:
    def generate() -> Iterator[int]:
        yield 1

    with pytest.raises(
        DeclarationError, match=r"only the creation of the generator .*generate; carry the function"
    ):
        carry_work(generate)

    class Generating:
        def __call__(self) -> Iterator[int]:
            yield 1

    for what, name in (
        (functools.partial(generate), "generate"),
        (Generating(), "Generating"),
        (Generating().__call__, "Generating.__call__"),
    ):
        with pytest.raises(
            DeclarationError, match=rf"only the creation of the generator \S*{name}; carry the function"
        ):
            carry_work(what)
    with pytest.raises(DeclarationError, match="which is no function"):
        carry_work(5)  # type: ignore[type-var]
