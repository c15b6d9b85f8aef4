"""Times and counts of the current work."""

import asyncio

import pytest

from tsmon.work import count_exceptions, current_work, measure_work, timed


def test_timed_as_a_context_manager_stores_the_elapsed_seconds_even_if_the_work_fails() -> None:
    with measure_work() as data, pytest.raises(ValueError, match="bad"), timed("save_result_time"):
        raise ValueError("bad")
    assert 0 <= data.fields["save_result_time"] < 1


async def test_timed_measures_a_coroutine_function_to_its_end_and_keeps_its_name() -> None:
    @timed("match_time")
    async def match() -> int:
        await asyncio.sleep(0.02)
        return 5

    with measure_work() as data:
        assert await match() == 5
    assert match.__name__ == "match"
    assert data.fields["match_time"] >= 0.02


async def test_timed_works_as_an_async_context_manager() -> None:
    with measure_work() as data:
        async with timed("match_time"):
            await asyncio.sleep(0.01)
    assert data.fields["match_time"] >= 0.01


def test_a_decorated_function_may_call_itself() -> None:
    @timed("t")
    def down(n: int) -> int:
        return down(n - 1) if n else 0

    with measure_work() as data:
        assert down(3) == 0
    assert data.fields["t"] > 0


def test_exceptions_are_counted_and_propagate() -> None:
    @count_exceptions("failures", ValueError)
    def fail(error: Exception) -> None:
        raise error

    with measure_work() as data:
        for error in (ValueError(), ValueError(), KeyError()):
            with pytest.raises(type(error)):
                fail(error)
    assert data.fields == {"failures": 2}


def test_nothing_is_measured_outside_any_work() -> None:
    with timed("t"):
        pass
    assert current_work() is None
