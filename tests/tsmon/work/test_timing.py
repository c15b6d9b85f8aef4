"""The object that ``timed`` gives, and what counts where runs are nested or side by side."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.work import Timing, WorkData, measure_work, timed

PART_S = 0.005


async def test_the_elapsed_time_is_known_during_the_run_and_after_it() -> None:
    with timed("t") as timing:
        assert timing.is_running
        first = timing.elapsed_ns
        time.sleep(PART_S)
        assert type(first) is int
        assert timing.elapsed_ns >= first + PART_S * 1e9
        assert repr(timing).endswith("s so far>")
    assert not timing.is_running
    assert timing.elapsed_ns == timing.elapsed_ns >= PART_S * 1e9
    assert timing.elapsed_s == timing.elapsed_ns / 1e9
    assert repr(timing) == f"<t: {timing.elapsed_s:.6f} s>"
    async with timed("t") as asynchronous:
        await asyncio.sleep(PART_S)
    assert isinstance(asynchronous, Timing)
    assert asynchronous.elapsed_s >= PART_S


def test_a_run_that_fails_has_a_time_too() -> None:
    with measure_work() as data, pytest.raises(ValueError, match="bad"), timed("t") as timing:
        raise ValueError("bad")
    assert data.fields["t"] == timing.elapsed_s


def test_nested_runs_count_once() -> None:
    with measure_work() as data, timed("t") as outer:
        for _ in range(3):
            with timed("t"), timed("other"), timed("t") as inner:
                time.sleep(PART_S)
    assert data.fields["t"] == outer.elapsed_s
    assert inner.elapsed_s >= PART_S
    assert 3 * PART_S <= data.fields["other"] < outer.elapsed_s


async def test_recursion_counts_once_in_every_kind_of_function() -> None:
    @timed("t")
    def down(n: int) -> None:
        time.sleep(PART_S)
        if n:
            down(n - 1)

    @timed("t")
    async def down_async(n: int) -> None:
        await asyncio.sleep(PART_S)
        if n:
            await down_async(n - 1)

    @timed("t")
    def walk(n: int) -> Iterator[int]:
        time.sleep(PART_S)
        yield n
        if n:
            yield from walk(n - 1)

    @timed("t")
    async def walk_async(n: int) -> AsyncIterator[int]:
        await asyncio.sleep(PART_S)
        yield n
        if n:
            async for one in walk_async(n - 1):
                yield one

    for run in (lambda: down(4), lambda: list(walk(4))):
        began = time.perf_counter()
        with measure_work() as data:
            run()
        assert 5 * PART_S <= data.fields["t"] <= time.perf_counter() - began
    for run_async in (lambda: down_async(4), lambda: _list(walk_async(4))):
        began = time.perf_counter()
        with measure_work() as data:
            await run_async()
        assert 5 * PART_S <= data.fields["t"] <= time.perf_counter() - began


async def _list(generator: AsyncIterator[int]) -> list[int]:
    return [one async for one in generator]


async def test_runs_side_by_side_add_up_unless_one_encloses_them() -> None:
    @timed("t")
    async def wait() -> None:
        await asyncio.sleep(0.02)

    with measure_work() as data:
        await asyncio.gather(wait(), wait(), wait())
    assert data.fields["t"] >= 0.06
    with measure_work() as data, timed("t") as outer:
        await asyncio.gather(wait(), wait(), asyncio.to_thread(timed("t")(time.sleep), 0.02))
    assert data.fields["t"] == outer.elapsed_s


async def test_a_task_that_outlives_the_run_around_it_counts_from_there() -> None:
    ends = asyncio.Event()

    @timed("t")
    async def outlive() -> None:
        await ends.wait()

    with measure_work() as data:
        with timed("t") as outer:
            task = asyncio.create_task(outlive())
            await asyncio.sleep(PART_S)
        began = time.perf_counter()
        await asyncio.sleep(0.02)
        ends.set()
        await task
        rest = time.perf_counter() - began
    assert outer.elapsed_s + 0.02 <= data.fields["t"] <= outer.elapsed_s + rest + PART_S


def test_each_work_has_its_own_times() -> None:
    with measure_work() as outer, timed("t") as whole, measure_work() as inner, timed("t") as part:
        time.sleep(PART_S)
    assert (outer.fields["t"], inner.fields["t"]) == (whole.elapsed_s, part.elapsed_s)
    data = WorkData()
    with timed("t", data) as timing, timed("t", data):
        pass
    assert data.fields == {"t": timing.elapsed_s}


async def test_one_object_may_be_used_many_times_nested_and_side_by_side() -> None:
    clock = timed("t")

    async def use(pause_s: float) -> float:
        with clock as timing:
            await asyncio.sleep(pause_s)
            with clock:
                await asyncio.sleep(pause_s)
        return timing.elapsed_s

    with measure_work() as data:
        first, second = await asyncio.gather(use(0.02), use(0.002))
        threads = [threading.Thread(target=lambda: asyncio.run(use(0.002))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert data.fields["t"] == pytest.approx(first + second)
    assert second < first


def test_runs_may_end_in_any_order_and_in_another_context() -> None:
    def open_for_a_while() -> Iterator[None]:
        with timed("t"):
            yield

    with measure_work() as data:
        began = time.perf_counter()
        opened = [open_for_a_while() for _ in range(3)]
        for one in opened:
            next(one)
        with timed("other"):
            for one in opened:
                list(one)
            with timed("other"):
                time.sleep(PART_S)
        with timed("t") as last:
            pass
        assert last.elapsed_s <= data.fields["t"] <= time.perf_counter() - began
    assert data.fields["other"] < 2 * PART_S + time.perf_counter() - began

    async def open_elsewhere() -> AsyncIterator[None]:
        with timed("t"):
            yield

    async def end_in_another_task() -> WorkData:
        with measure_work() as data:
            generator = open_elsewhere()
            await asyncio.create_task(anext(generator))  # type: ignore[arg-type]
            await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]
        return data

    assert asyncio.run(end_in_another_task()).fields["t"] > 0


async def test_tasks_that_begin_tasks_for_ever_are_not_all_remembered() -> None:
    seen: list[weakref.ref[object]] = []

    class Data(WorkData):
        __slots__ = ("__weakref__",)

    async def step(n: int) -> None:
        data = Data()
        seen.append(weakref.ref(data))
        with timed("t", data), timed("same", shared):
            following = asyncio.create_task(step(n - 1)) if n else None
            await asyncio.sleep(0)
        del data
        if following is not None:
            steps.append(following)

    shared = WorkData()
    steps = [asyncio.create_task(step(50))]
    while steps:
        await steps.pop()
    gc.collect()
    assert sum(one() is not None for one in seen) <= 3
    assert shared.fields["same"] > 0


def test_threads_add_to_one_work_exactly() -> None:
    data = WorkData()

    def add() -> None:
        for _ in range(20_000):
            data.add("n", 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data.fields == {"n": 80_000}


@given(st.recursive(st.just([]), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6))
def test_whatever_is_nested_a_name_counts_no_more_than_the_whole(tree: list[object]) -> None:
    def run(node: object, name: str) -> None:
        with timed(name):
            for one in node:  # type: ignore[attr-defined]
                run(one, "b" if name == "a" else "a")

    with measure_work() as data, timed("whole") as whole:
        run(tree, "a")
    assert 0 < data.fields["a"] <= whole.elapsed_s
    assert data.fields.get("b", 0.0) <= data.fields["a"]
