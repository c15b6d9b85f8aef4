"""Columns that a point class adds arrive on the line from every integration."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import tsmon
from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.tsmon.integrations.one_request import INTEGRATIONS, SUMMARIZED, read_tenant, record
from tsmon import DeclarationError, Monitor, Request, RequestError, RequestSummary, Tag
from tsmon.integrations import aiohttp, asgi, wsgi
from tsmon.integrations.recorder import RequestRecorder
from tsmon.integrations.request_summaries import RouteSampling
from tsmon.settings import MonitoringSettings
from tsmon.work import current_work

ROOT = Path(tsmon.__file__).parents[1]
HEAD = 'route=GET:/,service=s,status_code=200 request_id="i",execution_time='


class OwnRequest(Request):
    region: Tag[str | None] = None
    tenant: Tag[str]
    tries: int = 1


class OwnError(RequestError):
    region: Tag[str | None] = None
    severity: str = "high"
    tenant: str | None = msgspec.field(name="customer", default=None)


class OwnSummary(RequestSummary):
    region: Tag[str] = "north"


class TriedRequest(Request):
    tries: int = 1


async def record_all(
    *requests: dict[str, Any], settings: MonitoringSettings | None = None, **options: Any
) -> list[str]:
    """Record requests, and return their lines without times; ``work`` is their additional data."""
    store = OwnStore()
    async with Monitor(settings or MonitoringSettings(), service="s", store=store) as monitor:
        recorder = RequestRecorder(monitor, **options)
        for request in requests:
            opened = recorder.begin()
            work = current_work()
            assert work is not None
            work.fields.update(request.get("work", {}))
            if recorder.fills:
                recorder.fill_columns(opened, request)
            recorder.end(opened, method="GET", resource="/", status=request.get("status", 200), request_id="i")
        await monitor.flush()
        assert recorder.failures == 0
        assert recorder.reduced == sum(request.get("reduced", 0) for request in requests)
    lines = [line.rpartition(" ")[0] for line in store.lines if not line.startswith("in_progress")]
    return [re.sub(r"execution_time=[\d.e-]+", "execution_time=", line) for line in lines]


@pytest.mark.parametrize("integration", INTEGRATIONS)
async def test_columns_of_own_classes_arrive_from_every_integration(integration: str) -> None:
    options = {"request_class": OwnRequest, "error_class": OwnError, "fill": {"tenant": read_tenant}}
    request, error = await record(integration, **options)
    assert re.fullmatch(
        r"requests,region=west,route=GET:\S+,service=s,status_code=500,tenant=acme "
        r'request_id="\d+",execution_time=[\d.e-]+,tries=1i \d+',
        request,
    )
    assert re.fullmatch(
        r"errors,error_code=500,region=west,route=GET:\S+,service=s,status_code=500 "
        r'request_id="\d+",severity="high",customer="acme" \d+',
        error,
    )


@pytest.mark.parametrize("integration", INTEGRATIONS)
async def test_columns_of_an_own_summary_arrive_from_every_integration(integration: str) -> None:
    _, summary = await record(integration, SUMMARIZED, summary_class=OwnSummary)
    head = r"requests_summary,region=north,route=GET:\S+,service=s,status_code=500"
    assert re.fullmatch(head + " count=1i,sum=.*", summary)


def test_columns_added_to_tsmons_own_classes_arrive_from_every_integration(tmp_path: Path) -> None:
    """In a copy of the package in which only the declarations differ."""
    shutil.copytree(ROOT / "tsmon", tmp_path / "tsmon", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "tsmon" / "points" / "requests.py"
    added = '    region: Tag[str | None] = None\n    tries: int = 1\n    zone: Tag[str] = "a"\n'
    before, *classes = module.read_text().split("\n\n\nclass ")
    assert len(classes) == 3
    module.write_text("\n\n\nclass ".join([before, *(f"{source.rstrip()}\n{added}" for source in classes)]))
    command = [sys.executable, "-P", "-m", "tests.tsmon.integrations.one_request", *INTEGRATIONS]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    run = subprocess.run(command, env=paths, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    tags = r",region=west,route=GET:\S+,service=s,status_code=500,zone=a"
    request = rf'requests{tags} request_id="\d+",execution_time=[\d.e-]+,tries=1i \d+'
    error = rf'errors,error_code=500{tags} request_id="\d+",tries=1i \d+'
    summary = rf"requests_summary{tags.replace('region=west,', '')} count=1i,.*,tries=1i \d+"
    expected = [request, error, error, summary] * len(INTEGRATIONS)
    for pattern, line in itertools.zip_longest(expected, run.stdout.splitlines(), fillvalue=""):
        assert re.fullmatch(pattern, line)


async def test_an_added_column_arrives_in_the_server(influxdb: InfluxDB, bucket: str) -> None:
    settings = MonitoringSettings.model_validate(
        {
            "url": influxdb.url,
            "organization": influxdb.org,
            "bucket": bucket,
            "token": influxdb.token,
            "spool": "off",
        }
    )
    async with Monitor(settings, service="s") as monitor:
        recorder = RequestRecorder(monitor, request_class=OwnRequest, fill={"tenant": str.upper})
        opened = recorder.begin()
        recorder.fill_columns(opened, "acme")
        recorder.end(opened, method="GET", resource="/", status=200)
        await monitor.flush(timeout=20)
    rows = influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "requests") '
        '|> filter(fn: (r) => r._field == "tries")'
    )
    assert [(row["tenant"], row["_value"]) for row in rows] == [("ACME", 1)]


async def test_additional_data_win_over_functions_and_functions_over_defaults() -> None:
    requests: list[dict[str, Any]] = [{}, {"tries": 2}, {"tries": 2, "work": {"tries": 3}}, {"work": {"tries": 4}}]
    found = await record_all(
        *requests, request_class=TriedRequest, fill={"tries": lambda request: request.get("tries")}
    )
    assert found == [f"requests,{HEAD},tries={tries}i" for tries in (1, 2, 3, 4)]


async def test_a_request_does_not_inherit_the_columns_of_the_one_before() -> None:
    requests: list[dict[str, Any]] = [{"work": {"tries": 5}}, {}, {"work": {"tries": 6}}, {}]
    found = await record_all(*requests, request_class=TriedRequest)
    assert found == [f"requests,{HEAD},tries={tries}i" for tries in (5, 1, 6, 1)]


async def test_a_function_that_fails_leaves_the_default(caplog: pytest.LogCaptureFixture) -> None:
    fill = {"tries": lambda request: request["absent"]}
    assert await record_all({}, {}, request_class=TriedRequest, fill=fill) == [f"requests,{HEAD},tries=1i"] * 2
    assert [logged.message for logged in caplog.records] == [
        "fill['tries'] failed for a request: KeyError: 'absent'"
    ]


async def test_a_request_without_a_required_value_is_recorded_without_its_data_and_counted() -> None:
    fill = {"tenant": lambda request: request.get("tenant")}
    found = await record_all(
        {"tenant": "a"}, {"reduced": 1, "work": {"tries": 5}}, request_class=OwnRequest, fill=fill
    )
    assert found == [
        'requests,route=GET:/,service=s,status_code=200,tenant=a request_id="i",execution_time=,tries=1i',
        'requests,route=GET:/,service=s,status_code=200 request_id="i",execution_time=',
    ]


async def test_values_of_another_type_are_converted_or_leave_the_default(caplog: pytest.LogCaptureFixture) -> None:
    fill = {"tenant": lambda request: request["tenant"]}
    found = await record_all(
        {"tenant": 5, "work": {"tries": 2.0}},
        {"tenant": "a\nb\\", "work": {"tries": "many"}},
        {"tenant": Path("/\udcff"), "work": {"tries": 2**64}},
        {"tenant": ["x"], "work": {"tries": Decimal(7), "tenant": "own"}},
        request_class=OwnRequest,
        fill=fill,
    )
    assert found == [
        'requests,route=GET:/,service=s,status_code=200,tenant=5 request_id="i",execution_time=,tries=2i',
        'requests,route=GET:/,service=s,status_code=200,tenant=a�b request_id="i",execution_time=,tries=1i',
        'requests,route=GET:/,service=s,status_code=200,tenant=/? request_id="i",execution_time=,tries=1i',
        'requests,route=GET:/,service=s,status_code=200,tenant=own request_id="i",execution_time=,tries=7i',
    ]
    assert caplog.records == []


async def test_functions_fill_only_the_classes_that_declare_their_columns() -> None:
    fill = {"tenant": lambda _: "a"}
    _, error = await record_all({"status": 500}, request_class=OwnRequest, fill=fill)
    assert error == 'errors,error_code=500,route=GET:/,service=s,status_code=500 request_id="i"'


class WeightedRequest(Request):
    weight: int | None = None


@pytest.mark.parametrize("cls", [Request, WeightedRequest])
async def test_the_weight_of_a_sampled_request_may_be_declared(cls: type[Request]) -> None:
    one_in = next(number for number in range(2, 99) if RouteSampling.keeps("i", number))
    found = await record_all({}, settings=MonitoringSettings(sample_routes={"*": one_in}), request_class=cls)
    assert found == [f"requests,{HEAD},weight={one_in}i"]


class NumberedRequest(Request):
    number: int = msgspec.field(default_factory=itertools.count(1).__next__)


class AwkwardRequest(Request):
    time_text: str = "noon"


async def test_a_default_factory_is_called_for_each_request() -> None:
    found = await record_all({}, {}, request_class=NumberedRequest)
    assert found == [f"requests,{HEAD},number=1i", f"requests,{HEAD},number=2i"]


async def test_a_column_may_have_the_name_of_an_attribute_of_rows() -> None:
    assert await record_all({}, request_class=AwkwardRequest) == [f'requests,{HEAD},time_text="noon"']


MAKERS = {
    "recorder": RequestRecorder,
    "aiohttp": aiohttp.middleware,
    "asgi": lambda monitor, **options: asgi.RequestMiddleware(None, monitor, **options),  # type: ignore[arg-type]
    "wsgi": lambda monitor, **options: wsgi.RequestMiddleware(None, monitor, **options),  # type: ignore[arg-type]
}


class SummaryWithOwner(RequestSummary):
    owner: Tag[str]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"request_class": OwnRequest},
            (
                "OwnRequest.tenant has no value when requests are recorded; "
                "give it a default, or a function in fill={'tenant': …}"
            ),
        ),
        (
            {"summary_class": SummaryWithOwner},
            "SummaryWithOwner.owner has no value when requests are recorded; give it a default",
        ),
        ({"request_class": RequestError}, "request_class is RequestError; give a class derived from tsmon.Request"),
        (
            {"fill": {"route": str}},
            "fill names 'route', which is no added column of Request or RequestError; declare it there",
        ),
    ],
    ids=["required", "of a summary", "another class", "unknown"],
)
def test_what_cannot_be_recorded_is_refused_when_the_integration_is_made(
    make: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        make(Monitor(service="s", store=OwnStore()), **options)
    assert str(caught.value) == sentence
