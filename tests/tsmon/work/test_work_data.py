"""The container of additional data, timing and counting."""

import asyncio

import pytest

from tsmon import Request, SubtaskExecution, SubtaskFinal
from tsmon.line_protocol import Encoding, parse_line
from tsmon.work import WorkData, count_exceptions, current_work, measure_work, timed

TASK = {"task_id": 7, "subtask_id": 1, "task_type": 4}


def parsed(point):
    return parse_line(Encoding("faces").encode(point))


def test_gathered_tags_and_fields_become_additional_ones_of_the_point() -> None:
    with measure_work() as data:
        data.tags["camera"] = "west"
        data.fields["tries"] = 3
    line = parsed(data.make_point(SubtaskFinal, **TASK, execution_time=1.5, status=0))
    assert line.tags["camera"] == "west"
    assert line.fields == {"execution_time": 1.5, "status": 0, "tries": 3}


def test_a_key_that_the_class_declares_fills_that_attribute() -> None:
    data = WorkData()
    data.fields["match_time"] = 0.25
    point = data.make_point(SubtaskExecution, **TASK)
    assert point.match_time == 0.25
    assert point.fields is None


def test_what_the_point_says_itself_wins() -> None:
    data = WorkData()
    data.fields.update(match_time=9.0, tries=9)
    point = data.merge_into(SubtaskExecution(**TASK, match_time=1.0, fields={"tries": 1}))
    assert parsed(point).fields == {"match_time": 1.0, "tries": 1}


def test_an_attribute_that_has_its_default_is_filled() -> None:
    class Tried(SubtaskFinal):
        tries: int = 1

    data = WorkData()
    data.fields["tries"] = 3
    given = {**TASK, "execution_time": 1.5, "status": 0}
    assert data.merge_into(Tried(**given)).tries == 3
    assert data.merge_into(Tried(**given, tries=2)).tries == 2
    assert data.make_point(Tried, **given, tries=1).tries == 1


def test_merging_nothing_gives_the_very_same_point() -> None:
    point = Request(route="GET:/", status_code=200, request_id="1", execution_time=0.1)
    assert WorkData().merge_into(point) is point


def test_timed_as_a_context_manager_stores_the_elapsed_seconds_also_when_the_work_fails() -> None:
    with measure_work() as data, pytest.raises(ValueError, match="bad"), timed("save_result_time"):
        raise ValueError("bad")
    assert 0 <= data.fields["save_result_time"] < 1


def test_times_under_one_field_add_up() -> None:
    data = WorkData()
    data.add("t", 1.0)
    data.add("t", 0.5)
    assert data.fields == {"t": 1.5}


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


def test_exceptions_that_pass_are_counted_and_pass() -> None:
    @count_exceptions("failures", ValueError)
    def fail(error: Exception) -> None:
        raise error

    with measure_work() as data:
        for error in (ValueError(), ValueError(), KeyError()):
            with pytest.raises(type(error)):
                fail(error)
    assert data.fields == {"failures": 2}


async def test_each_piece_of_concurrent_work_has_its_own_container() -> None:
    async def work(name: str) -> WorkData:
        with measure_work() as data:
            await asyncio.sleep(0)
            found = current_work()
            assert found is data
            found.tags["name"] = name
            await asyncio.to_thread(lambda: current_work().fields.update(seen=name))  # type: ignore[union-attr]
            return data

    first, second = await asyncio.gather(work("a"), work("b"))
    assert (first.tags, second.tags) == ({"name": "a"}, {"name": "b"})
    assert (first.fields, second.fields) == ({"seen": "a"}, {"seen": "b"})


def test_outside_of_any_work_nothing_is_measured() -> None:
    with timed("t"):
        pass
    assert current_work() is None
