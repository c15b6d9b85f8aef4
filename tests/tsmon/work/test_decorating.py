"""Whatever can be decorated is measured to the end of its run; the rest is refused where it is decorated."""

import asyncio
import contextlib
import functools
import gc
import inspect
import time
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tsmon.errors import DeclarationError
from tsmon.work import InProgressCounter, count_exceptions, measure_work, timed

PART_S = 0.005


def spend() -> None:
    time.sleep(PART_S)


async def spend_async() -> None:
    await asyncio.sleep(PART_S)


def function(value: int) -> int:
    """Twice a number."""
    spend()
    spend()
    return 2 * value


async def coroutine(value: int) -> int:
    await spend_async()
    await spend_async()
    return 2 * value


@types.coroutine
def old_coroutine(value: int) -> Generator[Any, Any, int]:
    yield from asyncio.sleep(2 * PART_S).__await__()
    return 2 * value


def returns_coroutine(value: int) -> Awaitable[int]:
    return coroutine(value)


def returns_task(value: int) -> Awaitable[int]:
    return asyncio.ensure_future(coroutine(value))


def returns_awaitable(value: int) -> Awaitable[int]:
    class Later:
        def __await__(self) -> Generator[Any, Any, int]:
            return coroutine(value).__await__()

    return Later()


class Doubler:
    def __call__(self, value: int) -> int:
        return function(value)

    def method(self, value: int) -> int:
        return function(value)


class AsyncDoubler:
    async def __call__(self, value: int) -> int:
        return await coroutine(value)


CALLED: dict[str, Callable[[int], Any]] = {
    "function": function,
    "coroutine": coroutine,
    "old coroutine": old_coroutine,
    "partial": functools.partial(function),
    "partial of a coroutine": functools.partial(coroutine),
    "returns a coroutine": returns_coroutine,
    "returns a task": returns_task,
    "returns an awaitable": returns_awaitable,
    "lambda": lambda value: function(value) + 0,
    "object": Doubler(),
    "asynchronous object": AsyncDoubler(),
    "bound method": Doubler().method,
    "cached": functools.lru_cache(function),
    "singledispatch": functools.singledispatch(function),
}


@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
async def test_a_call_is_timed_to_its_end(called: Callable[[int], Any]) -> None:
    decorated = timed("t")(called)
    assert inspect.iscoroutinefunction(decorated) >= inspect.iscoroutinefunction(called)
    assert getattr(decorated, "__name__", None) == getattr(called, "__name__", decorated.__name__)
    with measure_work() as data:
        result = decorated(3)
        value = await result if inspect.isawaitable(result) else result
        await asyncio.sleep(0)
    assert value == 6
    assert data.fields["t"] >= 2 * PART_S


def generate() -> Generator[int, str, str]:
    spend()
    sent = yield 1
    spend()
    yield 2
    return f"sent {sent}"


async def generate_async() -> AsyncIterator[int]:
    await spend_async()
    yield 1
    await spend_async()
    yield 2


def return_generator() -> Generator[int, str, str]:
    return generate()


def return_async_generator() -> AsyncIterator[int]:
    return generate_async()


GENERATORS: dict[str, Callable[[], Any]] = {
    "function": generate,
    "partial": functools.partial(generate),
    "returned": return_generator,
}


@pytest.mark.parametrize("called", GENERATORS.values(), ids=GENERATORS)
def test_of_a_generator_its_own_time_counts_and_not_its_consumers(called: Callable[[], Any]) -> None:
    decorated = timed("t")(called)
    assert inspect.isgeneratorfunction(decorated) == inspect.isgeneratorfunction(called)
    began = time.perf_counter()
    with measure_work() as data:
        generator = decorated()
        assert next(generator) == 1
        time.sleep(0.05)
        assert generator.send("me") == 2
        with pytest.raises(StopIteration) as end:
            next(generator)
    assert end.value.value == "sent me"
    assert 2 * PART_S <= data.fields["t"] <= time.perf_counter() - began - 0.05


@pytest.mark.parametrize("called", [generate_async, return_async_generator], ids=["function", "returned"])
async def test_of_an_asynchronous_generator_too(called: Callable[[], Any]) -> None:
    decorated = timed("t")(called)
    assert inspect.isasyncgenfunction(decorated) == inspect.isasyncgenfunction(called)
    began = time.perf_counter()
    with measure_work() as data:
        async for _ in decorated():
            await asyncio.sleep(0.025)
    assert 2 * PART_S <= data.fields["t"] <= time.perf_counter() - began - 0.05


async def test_a_generator_that_is_left_early_counts_what_it_did_and_is_closed() -> None:
    closed = []

    @timed("t")
    def left() -> Iterator[int]:
        try:
            spend()
            yield 1
        finally:
            spend()
            closed.append("left")

    @timed("t")
    async def left_async() -> AsyncIterator[int]:
        try:
            await spend_async()
            yield 1
        finally:
            await spend_async()
            closed.append("left_async")

    with measure_work() as data:
        for _ in left():
            break
        gc.collect()
        generator = left_async()
        assert await anext(generator) == 1
        await generator.aclose()  # type: ignore[attr-defined]
        next(left())
        del generator
        gc.collect()
    assert closed == ["left", "left_async", "left"]
    assert data.fields["t"] >= 6 * PART_S
    left().close()  # type: ignore[attr-defined]
    assert len(closed) == 3, "it had not begun"


def test_what_is_thrown_into_a_generator_arrives_and_may_be_answered() -> None:
    @timed("t")
    @count_exceptions("failures")
    def patient() -> Generator[str, None, None]:
        answer = "first"
        while True:
            try:
                yield answer
            except ValueError as error:
                answer = str(error)

    with measure_work() as data:
        generator = patient()
        assert next(generator) == "first"
        assert generator.throw(ValueError("again")) == "again"
        with pytest.raises(KeyError):
            generator.throw(KeyError("no"))
    assert data.fields["failures"] == 1


def test_a_generator_that_refuses_to_end_is_reported_as_ever() -> None:
    @timed("t")
    def stubborn() -> Iterator[int]:
        with contextlib.suppress(GeneratorExit):
            yield 1
        yield 2

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()  # type: ignore[attr-defined]


async def test_each_kind_of_failure_counts_with_its_time() -> None:
    @count_exceptions("failures")
    @timed("t")
    async def fail_async() -> AsyncIterator[int]:
        yield 1
        raise ValueError

    @count_exceptions("failures")
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError

    @count_exceptions("failures")
    def fail_later() -> "Future[None]":
        future: Future[None] = Future()
        future.set_exception(ValueError())
        return future

    with measure_work() as data:
        with pytest.raises(ValueError, match=r"^$"):
            [one async for one in fail_async()]
        with pytest.raises(ValueError, match=r"^$"):
            list(fail())
        fail_later()
        async with count_exceptions("failures"):
            pass
    assert data.fields["failures"] == 3


def test_the_future_of_an_executor_is_timed_until_it_is_done() -> None:
    with ThreadPoolExecutor() as executor, measure_work() as data:
        submit = timed("t")(executor.submit)
        future = submit(function, 3)
        with timed("t") as here:
            pass
        assert future.result() == 6
    assert data.fields["t"] >= 2 * PART_S + here.elapsed_s


def test_methods_in_both_orders() -> None:
    class Matcher:
        @timed("t")
        def method(self) -> str:
            spend()
            return type(self).__name__

        @timed("t")
        @staticmethod
        def static_below() -> str:
            spend()
            return "static"

        @staticmethod
        @timed("t")
        def static_above() -> str:
            spend()
            return "static"

        @timed("t")
        @classmethod
        def class_below(cls) -> str:
            spend()
            return cls.__name__

        @classmethod
        @timed("t")
        def class_above(cls) -> str:
            spend()
            return cls.__name__

        @property
        @timed("t")
        def value(self) -> int:
            spend()
            return 5

    class Finder(Matcher):
        pass

    with measure_work() as data:
        for owner in (Finder(), Finder):
            assert (owner.static_below(), owner.static_above()) == ("static", "static")
            assert (owner.class_below(), owner.class_above()) == ("Finder", "Finder")
        assert (Finder().method(), Finder().value) == ("Finder", 5)
    assert data.fields["t"] >= 10 * PART_S
    assert Matcher.method.__qualname__.endswith("Matcher.method")


def test_context_managers_are_timed_below_their_decorator() -> None:
    @contextlib.contextmanager
    @timed("t")
    def prepared() -> Iterator[int]:
        spend()
        yield 1
        spend()

    with measure_work() as data:
        began = time.perf_counter()
        with prepared() as one:
            time.sleep(0.05)
        assert one == 1
    assert 2 * PART_S <= data.fields["t"] <= time.perf_counter() - began - 0.05


async def test_work_in_progress_counts_generators_and_coroutines_while_they_live(tsmon: Any) -> None:
    from tsmon import Monitor

    exports = InProgressCounter(Monitor(service="s"), "exports")
    generator = exports(generate)()
    assert exports.count == 0
    next(generator)
    assert exports.count == 1
    asynchronous = exports(generate_async)()
    await anext(asynchronous)
    task = exports(returns_task)(1)
    assert exports.count == 3
    await asynchronous.aclose()  # type: ignore[attr-defined]
    await task
    await asyncio.sleep(0)
    del generator
    gc.collect()
    assert exports.count == 0


class Prepared:
    @property
    def value(self) -> int:
        return 1

    @functools.cached_property
    def cached(self) -> int:
        return 1


@contextlib.contextmanager
def managed() -> Iterator[None]:
    yield


@contextlib.asynccontextmanager
async def managed_async() -> AsyncIterator[None]:
    yield


REFUSED = {
    "Doubler": Doubler,
    "Prepared.value": Prepared.__dict__["value"],
    "Prepared.cached": Prepared.__dict__["cached"],
    "managed": managed,
    "managed_async": managed_async,
    "no function": 5,
    "None": None,
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("decorate", [timed("t"), count_exceptions("n")], ids=["timed", "count_exceptions"])
def test_what_has_no_run_that_ends_is_refused_by_one_sentence(decorate: Any, name: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        decorate(REFUSED[name])
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("decorator", [timed, count_exceptions])
def test_without_parentheses_it_is_refused_where_it_is_written(decorator: Any) -> None:
    with pytest.raises(DeclarationError) as caught:
        decorator(function)
    assert str(caught.value) == (
        f'@{decorator.__name__} needs the name of a field; write @{decorator.__name__}("…") above function'
    )
    for wrong in (5, "", None, Prepared.__dict__["value"], Doubler):
        with pytest.raises(DeclarationError, match="the name of a field"):
            decorator(wrong)
