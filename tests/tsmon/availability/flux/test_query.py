"""What the query asks of the server, and what it cannot misunderstand."""

from dataclasses import replace

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.availability import DOCUMENT, EXACT, Deployment, Rules, availability_of, spans
from tsmon.availability.flux import availability_by_influxdb, availability_query
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.annotated_csv import rows

HOUR = 3_600_000_000_000
T = 1_700_000_000_000_000_000
DEPLOYMENTS = [Deployment(1, T, T + 100 * HOUR), Deployment(2, T + 150 * HOUR)]
NOW = T + 300 * HOUR
PROFILER = 'import "profiler"\nimport "array"\n\noption profiler.enabledProfilers = ["operator"]\n'


def store(influxdb: InfluxDB, bucket: str) -> InfluxStore:
    return InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))


@pytest.mark.parametrize("rules", [EXACT, DOCUMENT], ids=["exact", "document"])
async def test_all_reading_of_points_is_done_by_the_storage(influxdb: InfluxDB, bucket: str, rules: Rules) -> None:
    found = spans(DEPLOYMENTS, rules, now_ns=NOW)
    query = availability_query(bucket, Selector("m", "v"), found, rules).removeprefix('import "array"\n')
    async with store(influxdb, bucket) as opened:
        await opened.write(b"\n".join(b"m,a=%d v=1 %d" % (n % 2, T + n * HOUR) for n in range(300)))
        told = [row.values for row in rows(await opened.query(PROFILER + query))]
    operators = [row["Type"] for row in told if "Type" in row]
    sources = [operator for operator in operators if operator.startswith("*influxdb.")]
    assert sources == ["*influxdb.readWindowAggregateSource"] * 3 * len(found)


async def test_names_and_types_of_any_kind(influxdb: InfluxDB, bucket: str) -> None:
    r"""Texts have no mean but are data too, and a name such as ``${x}`` is not filled in."""
    async with store(influxdb, bucket) as opened:
        lines = [rf'a\ b,x=${{y}} s="text",b=t,\$v=1i {T + n * HOUR // 50}' for n in range(400)]
        await opened.write("\n".join(lines).encode())
        for field in ("s", "b", "\\$v"):
            selector = Selector("a b", field, {"x": "${y}"})
            expected = await availability_of(opened, selector, DEPLOYMENTS, now_ns=NOW)
            found = await availability_by_influxdb(opened, selector, DEPLOYMENTS, now_ns=NOW)
            assert found == expected
            assert sum(one.count for one in found.intervals) == 400


async def test_a_stream_without_data(influxdb: InfluxDB, bucket: str) -> None:
    async with store(influxdb, bucket) as opened:
        for rules in (EXACT, DOCUMENT, replace(EXACT, bin_width_ns=7)):
            for deployments in ([], DEPLOYMENTS):
                for name in ("m", "stream_bins"):
                    arguments = (Selector(name, "v"), deployments, rules)
                    expected = await availability_of(opened, *arguments, now_ns=NOW)
                    assert await availability_by_influxdb(opened, *arguments, now_ns=NOW) == expected
