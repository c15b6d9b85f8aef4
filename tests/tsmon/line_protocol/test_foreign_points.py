"""Points of influxdb-client become the lines that their own client would write, in nanoseconds."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from influxdb_client import Point as ForeignPoint
from influxdb_client import WritePrecision

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import Numbered
from tsmon import InvalidPointError, Monitor
from tsmon.clock import UniqueClock
from tsmon.line_protocol import Encoding, parse_line
from tsmon.line_protocol.parser import Unsigned
from tsmon.settings import MonitoringSettings
from tsmon.stores.influxdb import InfluxStore

PRECISIONS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
NOW_S = 1_700_000_000


def encode(point: Any, **options: Any) -> str:
    return Encoding(**options).encode(point)


@pytest.mark.parametrize("unit", PRECISIONS)
def test_integer_times_are_in_the_precision_of_the_point(unit: str) -> None:
    for seconds in (NOW_S, 1, 0, -5):
        time = seconds * 10**9 // PRECISIONS[unit]
        line = encode(ForeignPoint("m").field("v", 1).time(time, unit))
        assert line == f"m v=1i {seconds * 10**9}"


@pytest.mark.parametrize("unit", PRECISIONS)
@pytest.mark.parametrize(
    "time",
    [
        datetime(2024, 5, 1, 12, 30, 15, 123_456, tzinfo=UTC),
        datetime(2024, 5, 1, 14, 30, 15, 123_456, tzinfo=timezone(timedelta(hours=2))),
        datetime(2024, 5, 1, 12, 30, 15, 123_456),  # noqa: DTZ001 - it takes this as UTC
        "2024-05-01T12:30:15.123456Z",
        "2024-05-01T12:30:15.123456",
        pd.Timestamp("2024-05-01T12:30:15.123456", tz="UTC"),
    ],
    ids=lambda time: type(time).__name__,
)
def test_other_times_are_cut_to_the_precision_as_by_the_client(time: Any, unit: str) -> None:
    line = encode(ForeignPoint("m").field("v", 1).time(time, unit))
    exact_ns = 1_714_566_615_123_456_000
    assert int(line.split()[-1]) == exact_ns // PRECISIONS[unit] * PRECISIONS[unit]


def test_a_point_without_a_time_gets_a_unique_one() -> None:
    encoding = Encoding(clock=UniqueClock())
    point = ForeignPoint("m").field("v", 1)
    assert len({encoding.encode(point) for _ in range(100)}) == 100


def test_tags_fields_and_types_are_as_the_client_writes_them() -> None:
    point = ForeignPoint.from_dict(
        {
            "measurement": "my m,easure",
            "tags": {"b": "x=y z", "a,": 5, "none": None, "empty": "", "bool": True},
            "fields": {
                "int": 1,
                "uint": 2**63,
                "as float": 3,
                "float": 0.5,
                "whole": 2.0,
                "decimal": Decimal("0.1"),
                "bool": False,
                "text": 'a "quoted" \\ and\nmore',
                "nan": float("nan"),
                "none": None,
                "numpy": np.float64(1.5),
            },
            "time": 7,
        },
        field_types={"uint": "uint", "as float": "float"},
    )
    ours, theirs = parse_line(encode(point)), parse_line(point.to_line_protocol())
    assert (ours.measurement, ours.tags, ours.fields, ours.time_ns) == (
        theirs.measurement,
        theirs.tags,
        theirs.fields,
        7,
    )
    assert type(ours.fields["uint"]) is Unsigned
    assert {key: type(value) for key, value in ours.fields.items()} == {
        key: type(value) for key, value in theirs.fields.items()
    }


def test_default_tags_are_added_and_those_of_the_point_win() -> None:
    seen = []
    line = encode(
        ForeignPoint("m").tag("host", "own").field("v", 1).time(1),
        tags={"host": "default", "site": "a b", "zone": ""},
        on_new_series=lambda *series: seen.append(series),
        service="s",
    )
    assert line == r"m,host=own,site=a\ b v=1i 1"
    assert [one[:2] for one in seen] == [("m", r"m,host=own,site=a\ b")]


class Derived(ForeignPoint):  # type: ignore[misc]
    pass


def test_a_derived_class_is_accepted() -> None:
    assert encode(Derived("m").field("v", 1).time(1)) == "m v=1i 1"


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (ForeignPoint("m"), "has no field"),
        (ForeignPoint("m").field("v", float("nan")), "has no field"),
        (ForeignPoint("m").field("v", object()), "has no line"),
        (ForeignPoint("m").field("v", 2**63), "cannot be stored"),
        (ForeignPoint("m").field("time", 1), "reserved"),
        (ForeignPoint("m").tag("_x", "a").field("v", 1), "reserved"),
        (ForeignPoint("_m").field("v", 1), "reserved"),
        (ForeignPoint("m").field("v", 1).time("nonsense"), "has no line"),
        (ForeignPoint("m").field("v", 1).time(2**62, WritePrecision.S), "outside of"),
        (ForeignPoint("m").field("v", 1).time(1, "h"), "precision 'h'"),
        (ForeignPoint("m").tag("t", "lone \ud800").field("v", 1), "surrogate"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_the_reason(point: Any, reason: str) -> None:
    with pytest.raises(InvalidPointError, match=reason):
        encode(point)


async def test_emit_takes_them_alone_and_mixed_with_points_of_tsmon() -> None:
    store = OwnStore()
    settings = MonitoringSettings(tags={"site": "x"})
    async with Monitor(settings, service="s", store=store) as monitor:
        for _ in range(2):  # the second takes the quick way
            monitor.emit(ForeignPoint("m").field("v", 1).time(NOW_S, WritePrecision.S))
        monitor.emit([ForeignPoint("m").field("v", 2).time(1), Numbered(n=3), ForeignPoint("m").field("v", 4)])
        monitor.emit(ForeignPoint("m").field("v", n).time(n) for n in (5, 6))
        with pytest.raises(InvalidPointError):
            monitor.emit([Numbered(n=7), ForeignPoint("m")])
        assert monitor.counts.accepted == 7
    assert sorted(line.partition(" ")[0] for line in store.lines) == ["m,site=x"] * 6 + ["numbered,site=x"]


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"measurement": "m", "fields": {"v": 1}}, r"pass influxdb_client\.Point\.from_dict\(dictionary\)"),
        ("m v=1", r"lines of line protocol are written by store\.write\(lines\)"),
        (b"m v=1", r"lines of line protocol are written by store\.write\(lines\)"),
        (pd.DataFrame({"v": [1]}), r"for row in frame\.to_dict\('records'\)"),
        (ForeignPoint, "is a class and no point; pass an instance"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_other_forms_of_that_client_are_refused_with_the_way(given: Any, remedy: str) -> None:
    monitor = Monitor(service="s", store=OwnStore())
    with pytest.raises(InvalidPointError, match=remedy):
        monitor.emit(given)
    if not isinstance(given, Iterable):
        return
    with pytest.raises(InvalidPointError):
        monitor.emit([given])


async def test_the_server_stores_what_the_client_would_have_written(influxdb: InfluxDB, bucket: str) -> None:
    settings = MonitoringSettings(
        url=influxdb.url, organization=influxdb.org, bucket=bucket, token=influxdb.token, spool="off"
    )
    points = [
        ForeignPoint("m").tag("unit", unit).field("v", 0.5).field("text", 'a "b"').time(NOW_S * 10**9 // size, unit)
        for unit, size in PRECISIONS.items()
    ]
    async with Monitor(settings) as monitor:
        monitor.emit(points)
        await monitor.flush(20)
        assert monitor.counts.written == 4
        assert isinstance(monitor.store, InfluxStore)
        with monitor.store.client() as client:
            found = client.query_api().query(f'from(bucket: "{bucket}") |> range(start: 0)')
    records = [record for table in found for record in table.records]
    assert {record.get_value() for record in records} == {0.5, 'a "b"'}
    assert {record.values["unit"] for record in records} == set(PRECISIONS)
    assert {record.get_time() for record in records} == {datetime.fromtimestamp(NOW_S, UTC)}


def test_nothing_loads_that_client() -> None:
    program = (
        "import sys; from tsmon import Monitor, Request; from tsmon.settings import MonitoringSettings\n"
        "m = Monitor(MonitoringSettings(url='http://127.0.0.1:9', spool='off'), service='s')\n"
        "m.emit(Request(route='a', status_code=200, request_id='b', execution_time=1))\n"
        "print([name for name in sys.modules if 'influxdb_client' in name], file=sys.stderr); sys.stdout.flush()\n"
        "import os; os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
