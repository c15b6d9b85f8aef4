"""No request is lost for one value of it, through any integration, and none is an error of the application."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.services.every_store import STORES
from tests.services.own_store import OwnStore
from tests.tsmon.integrations.one_request import call_asgi, call_wsgi
from tests.tsmon.integrations.test_asgi import django
from tsmon import Monitor, Request, RequestError
from tsmon.integrations import aiohttp, asgi, wsgi
from tsmon.integrations.recorder import RequestRecorder, set_error_code, set_route
from tsmon.settings import MonitoringSettings, load_settings
from tsmon.stores import Selector
from tsmon.work import current_work, measure_work, timed


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__
    __hash__ = None  # type: ignore[assignment]


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    @property
    def error_code(self) -> int:
        raise RuntimeError("no code")


ODD: list[Any] = [
    "lone \udc80",
    "a\nb\\",
    "nul \0",
    "x" * 2**21,
    2**70,
    -(2**64),
    10**5000,
    float("nan"),
    float("inf"),
    None,
    True,
    b"\xff",
    {"a": [1, {2}]},
    [Broken()],
    Broken(),
    object(),
    Path("/\udcff"),
    1j,
    ValueError("x"),
]
KEYS: list[Any] = [
    "time",
    "_x",
    "",
    "a\nb",
    "lone \udc80",
    "back\\",
    5,
    None,
    ("a", 1),
    "x" * 100_000,
    "route",
    "service",
]


def add_odd_data() -> None:
    work = current_work()
    assert work is not None
    for number, value in enumerate(ODD):
        work.tags[f"t{number}"] = value
        work.fields[f"f{number}"] = value
        work.tags[f"both{number}"] = work.fields[f"both{number}"] = value
    for key in KEYS:
        work.tags[key] = work.fields[key] = "v"
    set_error_code(2**70)
    set_route("/a\nb\udc80\\")


async def by_aiohttp(monitor: Monitor) -> None:
    async def handle(_: web.Request) -> web.Response:
        add_odd_data()
        raise BrokenError

    app = web.Application(middlewares=[aiohttp.middleware(monitor)])
    app.router.add_get("/", handle)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/", headers={"X-Request-ID": "caf\udce9"})).status == 500


async def by_asgi(monitor: Monitor) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["headers"].append((b"x-request-id", b"\xff\x80\0"))
        scope["path"] = "/\udc80"
        add_odd_data()
        raise BrokenError

    with pytest.raises(BrokenError):
        await call_asgi(asgi.RequestMiddleware(app, monitor))


async def by_wsgi(monitor: Monitor) -> None:
    def app(environ: Any, start: Any) -> list[bytes]:
        add_odd_data()
        start("odd", [])
        raise BrokenError

    def with_odd_environment(environ: Any, start: Any) -> Any:
        environ.update({"HTTP_X_REQUEST_ID": b"\xff", "PATH_INFO": "/\udc80", "REQUEST_METHOD": "BR\udc80W"})
        return middleware(environ, start)

    middleware = wsgi.RequestMiddleware(app, monitor)
    with pytest.raises(BrokenError):
        call_wsgi(with_odd_environment)


async def by_django(monitor: Monitor) -> None:
    with django():
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()

        def app(environ: Any, start: Any) -> Any:
            add_odd_data()
            return application({**environ, "PATH_INFO": "/broken/"}, start)

        call_wsgi(wsgi.RequestMiddleware(app, monitor))  # type: ignore[arg-type]


@pytest.mark.parametrize("integration", [by_aiohttp, by_asgi, by_wsgi, by_django])
@pytest.mark.parametrize("on_invalid", ["raise", "drop"])
async def test_a_request_with_odd_values_is_recorded_with_the_others(integration: Any, on_invalid: Any) -> None:
    store = OwnStore()
    settings = MonitoringSettings(on_invalid=on_invalid, tags={"t0": "default", "f1": "default"})
    async with Monitor(settings, service="s", store=store) as monitor:
        await integration(monitor)
    request, error = (one for one in store.recorded if one.measurement in ("requests", "errors"))
    assert (request.measurement, error.measurement) == ("requests", "errors")
    assert (request.tags["status_code"], error.tags["status_code"], error.tags["error_code"]) == ("500",) * 3
    assert request.tags["route"].startswith(("GET:/", "OTHER:/"))
    assert isinstance(request.fields["execution_time"], float)
    assert request.fields["f4"] == str(2**70)
    assert request.tags["t5"] == str(-(2**64))
    assert request.tags["t0"] == "lone ?"
    assert len(str(request.fields["f3"])) == 2**20 - 2
    assert (request.tags["time_"], request.tags["a_b"], request.tags["5"]) == ("v", "v", "v")
    assert monitor.counts.dropped == 0


@pytest.mark.parametrize("name", sorted(STORES))
async def test_a_field_whose_type_changes_loses_no_request_in_the_store(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "store.toml"
    file.write_text(f'[monitoring]\nstore = "{name}"\n{STORES[name](request)}\n')
    async with Monitor(load_settings(file).monitoring, service="s") as monitor:
        recorder = RequestRecorder(monitor)
        for value in (17, "a", 2.5, 3.0, True, 2**70, [1]):
            opened = recorder.begin()
            work = current_work()
            assert work is not None
            work.fields["order"] = value
            with timed("db_time"):
                pass
            recorder.end(opened, method="GET", resource="/", status=500)
        await monitor.flush(10)
        assert (recorder.failures, recorder.reduced, monitor.counts.dropped) == (0, 0, 0)
        for measurement in ("requests", "errors"):
            [values] = await monitor.store.values(Selector(measurement, "order"), start_ns=0, stop_ns=2**62)
            assert sorted(values.values) == [3, 17]
            [values] = await monitor.store.values(Selector(measurement, "order_str"), start_ns=0, stop_ns=2**62)
            assert sorted(values.values) == [str(2**70), "[1]", "a"]


async def test_a_machine_whose_clock_is_not_set_records_requests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    store = OwnStore()
    async with Monitor(service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor)
        for seconds in (0, 1, 2_000, 100_000):
            opened = recorder.begin()
            opened.time_text = str(seconds * 10**9 + 5)
            recorder.end(opened, method="GET", resource="/", status=500, request_id='"' * (seconds == 1))
        await monitor.flush()
        assert recorder.failures == 0
    times = [one.time_ns for one in store.recorded if one.measurement in ("requests", "errors")]
    assert times == [seconds * 10**9 + 5 for seconds in (0, 0, 1, 1, 2_000, 2_000, 100_000, 100_000)]


async def test_a_function_that_fills_a_column_may_fail_in_any_way(caplog: pytest.LogCaptureFixture) -> None:
    class Tenant(Request):
        tenant: str = "none"

    def fail(_: Any) -> str:
        raise BrokenError

    store = OwnStore()
    async with Monitor(service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor, request_class=Tenant, error_class=RequestError, fill={"tenant": fail})
        opened = recorder.begin()
        recorder.fill_columns(opened, None)
        recorder.end(opened, method="GET", resource="/", status=200)
    [recorded] = (one for one in store.recorded if one.measurement == "requests")
    assert recorded.fields["tenant"] == "none"
    assert "BrokenError: <BrokenError that cannot be printed>" in caplog.text


def test_a_measurement_of_a_name_that_holds_no_number_does_not_fail() -> None:
    with measure_work() as work:
        work.fields.update({"a": "text", "b": None, "c": 1})
        for name in ("a", "a", "b", "c"):
            with timed(name):
                pass
            work.add(name, 1)
    assert work.fields["a"] == "text"
    assert float(str(work.fields["a_int"])) == 2
    assert {type(work.fields[name]) for name in ("a_float", "b", "c")} == {float}
