import logging
import time
from typing import Any

import pytest

from tests.services.own_store import OwnStore
from tsmon import Monitor
from tsmon.integrations.open_request import parse_error_code, set_error_code, set_route
from tsmon.integrations.recorder import RequestRecorder
from tsmon.integrations.request_points import parse_request_id
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.settings import MonitoringSettings
from tsmon.work import current_work, timed


async def recorded(**request: Any) -> list[ParsedPoint]:
    store = OwnStore()
    async with Monitor(service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor)
        given = {"method": "GET", "resource": "/r", "status": 200}
        code = request.pop("error_code", None)
        opened = recorder.begin()
        if code is not None:
            set_error_code(code)
        recorder.end(opened, **(given | request))
        assert recorder.failures == 0
    return store.recorded


@pytest.mark.parametrize(
    ("method", "route"), [("GET", "GET:/r"), ("BREW", "OTHER:/r"), ("get", "OTHER:/r"), ("", "OTHER:/r")]
)
async def test_an_unknown_method_is_recorded_as_other(method: str, route: str) -> None:
    assert (await recorded(method=method))[0].tags["route"] == route


@pytest.mark.parametrize(("status", "errors"), [(100, 0), (399, 0), (400, 1), (599, 1)])
async def test_errors_begin_at_400(status: int, errors: int) -> None:
    points = await recorded(status=status)
    assert [point.measurement for point in points] == ["requests"] + ["errors"] * errors


async def test_both_points_share_time_and_identifier() -> None:
    request, error = await recorded(status=500, error_code=2**62)
    assert (request.time_ns, request.fields["request_id"]) == (error.time_ns, error.fields["request_id"])
    assert error.tags["error_code"] == str(2**62)


async def test_what_cannot_be_stored_is_counted_and_logged_at_a_limited_rate(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Monitor(store=OwnStore()) as monitor:
        recorder = RequestRecorder(monitor)  # no service name
        for _ in range(3):
            recorder.end(recorder.begin(), method="GET", resource="/r", status=200)
        await monitor.flush()
        assert recorder.failures == 3
    logged = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len([record for record in logged if "a request could not be recorded" in record.message]) == 1


@pytest.mark.parametrize(
    ("header", "identity"),
    [("abc", "abc"), (None, None), ("", None), ("a\nb", None), ("x" * 128, "x" * 128), ("x" * 129, None)],
)
def test_request_id(header: str | None, identity: str | None) -> None:
    assert parse_request_id(header) == identity


async def test_time_and_identifier_are_right_from_every_encoder() -> None:
    """The fast encoder, the checked one, and those of tags that are written as fields."""
    ways: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({}, {"request_id": 'quoted "ü"'}),
        ({"tags_as_fields": ["status_code"]}, {}),
        ({"tags_as_fields": ["service"]}, {}),
        ({"sample_routes": {"*": 1}}, {}),
    ]
    for options, given in ways:
        store = OwnStore()
        async with Monitor(MonitoringSettings(**options), service="own", store=store) as monitor:
            recorder = RequestRecorder(monitor)
            before_ns = time.time_ns()
            opened = recorder.begin()
            recorder.end(opened, method="GET", resource="/r", status=200, **given)
        [point] = [point for point in store.recorded if point.measurement == "requests"]
        assert point.time_ns == opened.time_ns
        assert 0 <= opened.time_ns - before_ns + 1_000 < 1_000_000_000
        assert point.fields["request_id"] == given.get("request_id", str(opened.time_ns))


@pytest.mark.parametrize(
    ("code", "plain"), [(3, 3), (True, None), ("3", None), (3.0, None), (None, None), (2**63, None)]
)
def test_error_codes_are_ints(code: object, plain: int | None) -> None:
    assert parse_error_code(code) == plain


async def test_additional_data_are_in_both_points() -> None:
    store = OwnStore()
    async with Monitor(service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor)
        opened = recorder.begin()
        work = current_work()
        assert work is not None
        work.tags["camera"] = "west"
        with timed("db_time"):
            pass
        set_route("/told/{id}")
        recorder.end(opened, method="GET", resource="/r", status=500)
        assert current_work() is None
        set_error_code(3)  # outside of any request
    request, error = store.recorded
    assert (request.tags["camera"], error.tags["camera"]) == ("west", "west")
    assert request.fields["db_time"] == error.fields["db_time"]
    assert request.tags["route"] == "GET:/told/{id}"


async def test_the_lowest_error_status_is_configurable() -> None:
    store = OwnStore()
    async with Monitor(service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor, errors_from=500)
        for status in (404, 499, 500):
            recorder.end(recorder.begin(), method="GET", resource="/r", status=status)
    points = store.recorded
    assert [point.tags["status_code"] for point in points if point.measurement == "errors"] == ["500"]


async def test_requests_in_progress_are_counted() -> None:
    recorder = RequestRecorder(Monitor(service="s", store=OwnStore()))
    opened = [recorder.begin() for _ in range(3)]
    assert recorder.in_progress == 3
    for request in reversed(opened):
        recorder.end(request, method="GET", resource="/r", status=200)
    assert recorder.in_progress == 0
