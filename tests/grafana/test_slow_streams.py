"""Grafana's queries have the library's intervals of streams with few points, with and without an expected rate."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from tests.grafana.dashboards import queries, variables
from tests.grafana.interpolation import ALL, Range, fill_in
from tests.services.influxdb import InfluxDB
from tsmon.availability import APPEARANCES, BINS, EXACT, Deployment, Report, query_availability
from tsmon.line_protocol import encode
from tsmon.points import StreamBin, StreamFreshness
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.annotated_csv import parse_rows

S: Final = 1_000_000_000
HOUR: Final = 3600 * S
START: Final = 1_700_000_000 * S + 7
STOP: Final = START + 20 * 24 * HOUR
NAMES: Final = {"reference_designator": "GP03-A", "method": "streamed"}
RATE: Final = 1 / 7200
EVERY_HOUR: Final = [*range(300), *range(306, 480)]
HOURS: Final[Mapping[str, list[int]]] = {
    "hourly": EVERY_HOUR,
    "known": EVERY_HOUR,
    "daily": [hour for hour in range(5, 480, 24) if hour // 24 not in (8, 9, 10)],
    "doubled": sorted([*range(5, 480, 24), 29]),
    "lone": [17],
    "half": [*range(240)],
}
"""Hours of the points of each stream; that of ``known`` is expected every two hours."""
MISSING: Final = {"hourly": 1, "known": 1, "daily": 1, "doubled": 0, "lone": 1, "half": 1}


def _lines() -> bytes:
    lines = []
    for name, hours in HOURS.items():
        for number, hour in enumerate(hours):
            time_ns = START + hour * HOUR + number % 2 * S
            lines.append(f"{name},reference_designator=GP03-A,method=streamed,part=p{number % 3} value=1 {time_ns}")
            bin_ = StreamBin(**NAMES, stream=name, time=time_ns, length=S // 2, count=2)
            lines.append(encode(bin_).decode())
    for name, rate in (("known", RATE), ("half", None), ("never_seen", RATE)):
        for time_ns in (START - 40 * HOUR, START + 40 * HOUR):
            fresh = StreamFreshness(
                **NAMES, stream=name, state="operational", level=1, expected_rate=rate, time=time_ns
            )
            lines.append(encode(fresh).decode())
    return "\n".join(lines).encode()


@pytest.mark.parametrize("preset", ["exact", "bins"])
async def test_as_the_library_computes_them(influxdb: InfluxDB, bucket: str, preset: str) -> None:
    chosen = {"site": ALL, "instrument": ALL, "stream": ALL, "field": "value"}
    chosen |= {"preset": preset, "fraction": "0.001", "bounds": "1/1.5/2"}
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as store:
        await store.write(_lines())
        for title, label in (("Streams", "_measurement"), ("Streams reported as bins", "stream")):
            [query] = [one for name, panel, one in queries() if (name, panel) == ("availability.json", title)]
            sent = fill_in(
                query,
                variables("availability.json"),
                chosen,
                Range(START, STOP),
                bucket=bucket,
                organization=influxdb.org,
            )
            found: dict[str, list[tuple[int, str]]] = {}
            for row in parse_rows(await store.query(sent)):
                found.setdefault(row.values[label], []).append((row.values["_time"], row.values["_value"]))
            assert {*HOURS} == {name for name in found if name in HOURS}
            for name in HOURS:
                report = await _report(store, name, preset, of_bins=label == "stream")
                assert found[name] == _rows(report), (title, name)
                if preset == "exact" and label == "_measurement":
                    assert [row[1] for row in found[name]].count("Missing") == MISSING[name]


async def _report(store: InfluxStore, name: str, preset: str, *, of_bins: bool) -> Report:
    period_ns = round(S / RATE) if name == "known" else None
    rules = replace(EXACT if preset == "exact" else BINS, period_ns=period_ns)
    selector = Selector("stream_bins", "count", {"stream": name}) if of_bins else Selector(name, "value")
    return await query_availability(store, selector, [Deployment(1, START, STOP)], rules, now_ns=STOP)


def _rows(report: Report) -> list[tuple[int, str]]:
    return [(one.start_ns, APPEARANCES[one.category].name) for one in report.intervals]
