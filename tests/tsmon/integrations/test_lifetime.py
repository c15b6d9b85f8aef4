"""The life of a Monitor with its application, which may begin and end many times, with a lifespan and without."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mangum import Mangum
from starlette.testclient import TestClient

from tests.services.own_store import OwnStore
from tests.tsmon.integrations.applications import (
    APPLICATIONS,
    Application,
    check_counts,
    count_requests,
    every_application,
    lifespans,
    plain,
    starlette_app,
)
from tests.tsmon.monitor.test_background import until
from tsmon import Monitor
from tsmon.integrations.asgi import RequestMiddleware
from tsmon.settings import MonitoringSettings


@pytest.fixture(autouse=True)
def forget_lifespans() -> Iterator[None]:
    lifespans.clear()
    before = set(threading.enumerate())
    yield
    until(lambda: not [one for one in threading.enumerate() if one.name == "tsmon" and one not in before])


@every_application
def test_a_lifespan_may_run_many_times(make: Callable[[], Application]) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    app = RequestMiddleware(make(), monitor)
    for turn in range(1, 4):
        with TestClient(app) as client:
            assert client.get("/hello").status_code == 200
        assert count_requests(store) == turn
        assert check_counts(monitor).pending == 0
    if make is not APPLICATIONS["bare"]:
        assert lifespans == ["begun", "ended"] * 3


@every_application
def test_without_a_lifespan_each_request_has_a_loop_of_its_own(make: Callable[[], Application]) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    client = TestClient(RequestMiddleware(make(), monitor))
    for _ in range(3):
        assert client.get("/hello").status_code == 200
    with client:
        assert client.get("/hello").status_code == 200
    assert count_requests(store) == 4
    assert client.get("/hello").status_code == 200
    asyncio.run(monitor.stop())
    assert count_requests(store) == 5
    assert check_counts(monitor).dropped == 0


def test_on_trio_it_runs_in_a_thread_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    app = RequestMiddleware(starlette_app(), monitor)
    for turn in range(1, 4):
        with TestClient(app, backend="trio") as client:
            assert client.get("/hello").status_code == 200
        assert not monitor.is_running
        assert count_requests(store) == turn
    client = TestClient(app, backend="trio")
    for _ in range(2):
        assert client.get("/hello").status_code == 200
    asyncio.run(monitor.stop())
    assert count_requests(store) == 5
    assert check_counts(monitor).dropped == 0
    assert not [record for record in caplog.records if record.name == "tsmon"]


@every_application
def test_one_that_is_switched_off_does_not_matter(make: Callable[[], Application]) -> None:
    client = TestClient(RequestMiddleware(make(), Monitor(MonitoringSettings(enabled=False))))
    for _ in range(2):
        with client:
            assert client.get("/hello").status_code == 200
        assert client.get("/hello").status_code == 200


def test_two_applications_share_one_monitor() -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    first, second = (TestClient(RequestMiddleware(starlette_app(), monitor)) for _ in range(2))
    with second:
        with first:
            assert first.get("/hello").status_code == 200
        assert second.get("/hello").status_code == 200
    with first:
        with second:
            assert second.get("/hello").status_code == 200
        assert first.get("/hello").status_code == 200
    assert count_requests(store) == 4
    assert check_counts(monitor).dropped == 0


async def test_a_monitor_that_the_program_started_is_not_stopped_by_an_application() -> None:
    store = OwnStore()
    async with Monitor(plain(), store=store) as monitor:
        client = TestClient(RequestMiddleware(starlette_app(), monitor))
        for _ in range(2):
            # On the loop's thread, as synchronous tests in an asynchronous program do.
            with client:
                assert client.get("/hello").status_code == 200
        assert monitor.is_running
    assert count_requests(store) == 2


EVENT = {
    "version": "2.0",
    "routeKey": "GET /hello",
    "rawPath": "/hello",
    "rawQueryString": "",
    "headers": {"host": "example.org"},
    "requestContext": {
        "http": {"method": "GET", "path": "/hello", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        "stage": "$default",
    },
    "isBase64Encoded": False,
}


@every_application
@pytest.mark.parametrize("mode", ["auto", "on", "off"])
def test_a_serverless_adapter_begins_and_ends_it_with_each_event(
    make: Callable[[], Application], mode: Any
) -> None:
    store = OwnStore()
    monitor = Monitor(plain(), store=store)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        handler = Mangum(RequestMiddleware(make(), monitor), lifespan=mode)
        for turn in range(1, 4):
            answer = handler(EVENT, None)  # type: ignore[arg-type]
            assert answer["statusCode"] == 200
            if mode != "off":
                assert count_requests(store) == turn
        loop.run_until_complete(monitor.stop())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert count_requests(store) == 3
