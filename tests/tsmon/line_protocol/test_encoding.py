import enum
import math
from collections.abc import Iterator
from typing import Any

import pytest

from tsmon import (
    Point,
    Request,
    RequestError,
    SubtaskError,
    SubtaskExecution,
    SubtaskFinal,
    WorkerQueue,
    WorkerRequest,
    format_route,
)
from tsmon.errors import InvalidPointError
from tsmon.line_protocol import Encoding, Tag, TagAndField, configure, default_encoding, encode, parse
from tsmon.line_protocol.default_encoding import follow_configured_service

ALL_PROGRESS = (
    "subtask_execution,service=tasks,subtask_id=2,task_id=1,task_type=3 save_result_time=1.0,linked_faces=4i,"
    "extracted_descriptors=5i,events=6i,match_time=7.5,clusterization_report_build_time=8.5 1"
)


class State(enum.StrEnum):
    DONE = "done"


class Code(enum.IntEnum):
    TEAPOT = 418


class Lamp(Point, measurement="lamps"):
    room: Tag[str]
    floor: Tag[int] = 0
    lit: bool | None = None
    power: float | None = None


@pytest.fixture
def service() -> Iterator[None]:
    """Restores the process' service name, which ``configure`` sets."""
    before = default_encoding._default.service
    yield
    for encoding in (default_encoding._default, *default_encoding._followers):
        encoding.service = before


@pytest.mark.parametrize(
    ("point", "line"),
    [
        (
            Request(
                route=format_route("GET", "/version"),
                status_code=200,
                request_id="1-2",
                execution_time=0.5,
                time=15,
            ),
            'requests,route=GET:/version,service=tasks,status_code=200 request_id="1-2",execution_time=0.5 15',
        ),
        (
            RequestError(
                route=format_route("POST", "/tasks"), status_code=400, error_code=12027, request_id="1,a", time=1.5
            ),
            'errors,error_code=12027,route=POST:/tasks,service=tasks,status_code=400 request_id="1,a" 1500000000',
        ),
        (
            SubtaskExecution(task_id=1, subtask_id=2, task_type=3, save_result_time=0.25, time=1),
            "subtask_execution,service=tasks,subtask_id=2,task_id=1,task_type=3 save_result_time=0.25 1",
        ),
        (
            SubtaskExecution(
                task_id=1,
                subtask_id=2,
                task_type=3,
                save_result_time=1.0,
                linked_faces=4,
                extracted_descriptors=5,
                events=6,
                match_time=7.5,
                clusterization_report_build_time=8.5,
                time=1,
            ),
            ALL_PROGRESS,
        ),
        (
            SubtaskFinal(task_id=1, subtask_id=2, task_type=3, execution_time=9, status=3, time=1),
            "subtask_final,service=tasks,subtask_id=2,task_id=1,task_type=3 execution_time=9.0,status=3i 1",
        ),
        (
            SubtaskError(task_id=1, subtask_id=2, task_type=3, error_code=11009, time=1),
            "subtask_errors,error_code=11009,service=tasks,subtask_id=2,task_id=1,task_type=3 error_code=11009i 1",
        ),
        (
            WorkerQueue(task_id=1, subtask_id=2, task_type=3, transport_time=0.5, time=1),
            "worker_queue,service=tasks,subtask_id=2,task_id=1,task_type=3 transport_time=0.5 1",
        ),
        (
            WorkerRequest(task_id=1, subtask_id=2, transport_time=0.5, time=1),
            "worker_requests,service=tasks,subtask_id=2,task_id=1 transport_time=0.5 1",
        ),
    ],
)
def test_each_series_is_written_with_its_tags_and_fields(point: Point, line: str) -> None:
    assert Encoding("tasks").encode(point) == line


def test_the_service_of_a_point_wins_over_that_of_the_context() -> None:
    point = WorkerRequest(service="worker", task_id=1, subtask_id=2, transport_time=0.5, time=1)
    assert ",service=worker," in Encoding("tasks").encode(point)


def test_the_service_of_a_monitor_wins_over_the_configured_one(service: None) -> None:
    point = WorkerRequest(task_id=1, subtask_id=2, transport_time=0.5, time=1)
    own, follower = Encoding("own"), follow_configured_service(Encoding())
    configure(service="first")
    lines = [own.encode(point), follower.encode(point), encode(point).decode()]
    configure(service="second")
    lines += [own.encode(point), follower.encode(point), encode(point).decode()]
    names = [line.split(",service=")[1].split(",")[0] for line in lines]
    assert names == ["own", "first", "first", "own", "second", "second"]


@pytest.mark.parametrize("name", ["", "a\nb", "a\\"])
def test_a_service_name_that_cannot_be_a_tag_is_refused(name: str) -> None:
    with pytest.raises(InvalidPointError):
        configure(service=name)


def test_a_missing_service_is_refused_with_the_remedies() -> None:
    with pytest.raises(InvalidPointError) as caught:
        Encoding().encode(Request(route="r", status_code=200, request_id="1", execution_time=1.0))
    assert str(caught.value) == (
        "Request has no service name; pass service=…, make the Monitor with service=…, "
        "or call tsmon.configure(service=…) first"
    )


def test_additional_tags_and_fields_are_written_sorted_and_typed() -> None:
    point = Lamp(
        room="hall",
        power=60.0,
        tags={"zone": State.DONE, "a b": 5, "half": 0.5, "on": True, "gone": None, "none": ""},
        fields={"s": 'x"y', "i": Code.TEAPOT, "f": 1.5, "b": False, "gone": None},
        time=1,
    )
    assert Encoding().encode(point) == (
        r"lamps,a\ b=5,floor=0,half=0.5,on=true,room=hall,zone=done "
        'power=60.0,s="x\\"y",i=418i,f=1.5,b=false 1'
    )


def test_default_tags_are_added_to_every_point_whose_own_tags_win() -> None:
    encoding = Encoding(tags={"host": "a b", "floor": "9"})
    assert encoding.encode(Lamp(room="x", lit=True, time=1)) == r"lamps,floor=0,host=a\ b,room=x lit=true 1"
    point = Lamp(room="x", lit=True, time=1, tags={"host": "mine"})
    assert encoding.encode(point) == "lamps,floor=0,host=mine,room=x lit=true 1"


def test_default_tags_are_checked_at_once() -> None:
    with pytest.raises(InvalidPointError, match="'time' is reserved"):
        Encoding(tags={"time": "x"})
    with pytest.raises(InvalidPointError, match="control character"):
        Encoding(tags={"a": "\n"})


def test_tags_as_fields_keep_their_type_and_add_no_series() -> None:
    encoding = Encoding("tasks", tags_as_fields={"task_id", "error_code", "absent"})
    point = SubtaskError(task_id=1, subtask_id=2, task_type=3, error_code=7, time=1)
    assert (
        encoding.encode(point) == "subtask_errors,service=tasks,subtask_id=2,task_type=3 task_id=1i,error_code=7i 1"
    )
    request = Request(route="r", status_code=200, request_id="1", execution_time=0.5, time=1)
    assert encoding.encode(request) == (
        'requests,route=r,service=tasks,status_code=200 request_id="1",execution_time=0.5 1'
    )


def test_enums_are_written_as_their_values() -> None:
    class Job(Point, measurement="jobs"):
        state: Tag[State]
        code: TagAndField[Code]

    assert Encoding().encode(Job(state=State.DONE, code=Code.TEAPOT, time=1)) == (
        "jobs,code=418,state=done code=418i 1"
    )


def test_nan_and_infinity_are_left_out_and_counted() -> None:
    encoding = Encoding()
    assert encoding.encode(Lamp(room="x", lit=True, power=math.nan, time=1)) == "lamps,floor=0,room=x lit=true 1"
    assert encoding.nonfinite == 1
    point = Lamp(room="x", lit=True, power=-math.inf, fields={"more": math.inf}, time=1)
    assert encoding.encode(point) == "lamps,floor=0,room=x lit=true 1"
    assert encoding.nonfinite == 3


def test_a_missing_time_is_assigned_at_each_encoding() -> None:
    point = Lamp(room="x", lit=True)
    first, second = (int(encode(point).rsplit(b" ", 1)[1]) for _ in range(2))
    assert first < second


def test_a_class_without_fields_may_have_additional_ones() -> None:
    class Bare(Point, measurement="bare"):
        t: Tag[str | None] = None

    assert Encoding().encode(Bare(fields={"f": 1}, time=1)) == "bare f=1i 1"
    with pytest.raises(InvalidPointError, match=r"^Bare cannot be stored, for it has no field; "):
        Encoding().encode(Bare())


HALL: dict[str, Any] = {"room": "hall", "lit": True}
TOO_LONG = (
    "measurement, tags and a field key of Lamp take {} bytes, above the server's 65535; "
    "write long texts as string fields"
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"room": 5}, "Lamp.room must be str, not int (5)"),
        ({"room": None}, "Lamp.room is None, but the tag is not optional"),
        ({"floor": True}, "Lamp.floor must be int, not bool (True)"),
        ({"floor": "1"}, "Lamp.floor must be int, not str ('1')"),
        ({"lit": 1}, "Lamp.lit must be bool, not int (1)"),
        ({"power": "60"}, "Lamp.power must be float, not str ('60')"),
        ({"lit": None}, "Lamp cannot be stored, for it has no field; give at least one finite value"),
        (
            {"lit": None, "power": math.nan},
            "Lamp cannot be stored, for every field is NaN or infinite; give at least one finite value",
        ),
        (
            {"room": "a\nb"},
            "the value of tag 'room' 'a\\nb' has a control character (such as a newline); remove or replace it",
        ),
        ({"tags": {"room": "x"}}, "Lamp declares 'room'; give it as room=…, not as an additional tag"),
        ({"fields": {"lit": True}}, "Lamp declares 'lit'; give it as lit=…, not as an additional field"),
        ({"fields": {"room": True}}, "Lamp declares 'room'; give it as room=…, not as an additional field"),
        ({"tags": {5: "x"}}, "Lamp has an additional tag whose key is 5; keys are str"),
        ({"fields": {5: 5}}, "Lamp has an additional field whose key is 5; keys are str"),
        ({"tags": {"x": "a"}, "fields": {"x": 1}}, "Lamp has 'x' as additional tag and field; choose one"),
        ({"tags": {"x": []}}, "tag 'x' of Lamp must be str, int, float or bool, not list ([])"),
        ({"fields": {"x": []}}, "field 'x' of Lamp must be str, int, float or bool, not list ([])"),
        ({"time": "now"}, "time is of type str; give integer nanoseconds, float seconds or a datetime"),
        (
            {"tags": {"x": "é" * 40_000}},
            TOO_LONG.format(80035),
        ),
        (
            {"fields": {"é" * 40_000: 1}},
            TOO_LONG.format(80027),
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidPointError) as caught:
        Encoding().encode(Lamp(**(HALL | arguments)))
    assert str(caught.value) == sentence


def test_a_required_field_is_none() -> None:
    with pytest.raises(
        InvalidPointError, match=r"^Request\.execution_time is None, but the field is not optional$"
    ):
        Encoding("s").encode(
            Request(route="r", status_code=200, request_id="1", execution_time=None)  # type: ignore[arg-type]
        )


def test_an_object_that_is_not_a_point_is_refused() -> None:
    with pytest.raises(InvalidPointError) as caught:
        encode(Point())
    assert str(caught.value) == (
        "Point is not a point class with a measurement; derive it as class X(Point, measurement='x')"
    )


def test_a_service_written_as_a_field_also_defaults_to_the_context() -> None:
    encoding = Encoding("tasks", tags_as_fields={"service"})
    line = encoding.encode(Request(time=1, route="GET:/", status_code=200, request_id="a", execution_time=0.5))
    [point] = parse(line)
    assert point.tags == {"route": "GET:/", "status_code": "200"}
    assert point.fields == {"service": "tasks", "request_id": "a", "execution_time": 0.5}
    encoding.service = "faces"
    line = encoding.encode(Request(time=1, route="GET:/", status_code=200, request_id="a", execution_time=0.5))
    assert 'service="faces"' in line
