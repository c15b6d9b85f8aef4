"""The additional data of a piece of work."""

import asyncio

import numpy
import pandas

from tsmon import Request, SubtaskExecution, SubtaskFinal
from tsmon.line_protocol import Encoding, parse_line
from tsmon.work import WorkData, current_work, measure_work

TASK = {"task_id": 7, "subtask_id": 1, "task_type": 4}


def parsed(point):
    return parse_line(Encoding("faces").encode(point))


def test_tags_and_fields_of_the_work_become_additional_ones_of_the_point() -> None:
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


def test_values_of_the_point_win() -> None:
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
    assert data.merge_into(Tried(**given, tries=pandas.NA)).tries is pandas.NA
    assert data.merge_into(Tried(**given, tries=numpy.array([1, 2]))).tries.size == 2  # refused by emit


def test_merging_nothing_returns_the_same_point() -> None:
    point = Request(route="GET:/", status_code=200, request_id="1", execution_time=0.1)
    assert WorkData().merge_into(point) is point


def test_times_under_one_field_add_up() -> None:
    data = WorkData()
    data.add("t", 1.0)
    data.add("t", 0.5)
    assert data.fields == {"t": 1.5}


async def test_each_piece_of_concurrent_work_has_its_own_data() -> None:
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
