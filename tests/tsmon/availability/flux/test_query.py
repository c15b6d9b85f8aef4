"""What the query asks of the server, and what it cannot misunderstand."""

from dataclasses import replace

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.availability import BINS, EXACT, Deployment, Rules, compute_spans, query_availability
from tsmon.availability.flux import build_availability_query, compute_availability_in_influxdb
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.rollup_tasks import find_changes
from tsmon.stores.rollup_tiers import RollupTier

HOUR = 3_600_000_000_000
T = 1_700_000_000_000_000_000
DEPLOYMENTS = [Deployment(1, T, T + 100 * HOUR), Deployment(2, T + 150 * HOUR)]
NOW = T + 300 * HOUR
PROFILER = 'import "profiler"\nimport "array"\n\noption profiler.enabledProfilers = ["operator"]\n'


def store(influxdb: InfluxDB, bucket: str) -> InfluxStore:
    return InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))


@pytest.mark.parametrize("rules", [EXACT, BINS], ids=["exact", "bins"])
async def test_all_reading_of_points_is_done_by_the_storage(influxdb: InfluxDB, bucket: str, rules: Rules) -> None:
    found = compute_spans(DEPLOYMENTS, rules, now_ns=NOW)
    query = build_availability_query(bucket, Selector("m", "v"), found, rules).removeprefix('import "array"\n')
    async with store(influxdb, bucket) as opened:
        await opened.write(b"\n".join(b"m,a=%d v=1 %d" % (n % 2, T + n * HOUR) for n in range(300)))
        told = [row.values for row in parse_rows(await opened.query(PROFILER + query))]
    operators = [row["Type"] for row in told if "Type" in row]
    sources = [operator for operator in operators if operator.startswith("*influxdb.")]
    # The incomplete windows at both ends of time are two more parts.
    assert sources == ["*influxdb.readWindowAggregateSource"] * 3 * (len(found) + 2)


async def test_names_and_types_of_any_kind(influxdb: InfluxDB, bucket: str) -> None:
    r"""Texts have no mean but are data too, and a name such as ``${x}`` is not filled in."""
    async with store(influxdb, bucket) as opened:
        lines = [rf'a\ b,x=${{y}} s="text",b=t,\$v=1i {T + n * HOUR // 50}' for n in range(400)]
        await opened.write("\n".join(lines).encode())
        for field in ("s", "b", "\\$v"):
            selector = Selector("a b", field, {"x": "${y}"})
            expected = await query_availability(opened, selector, DEPLOYMENTS, now_ns=NOW)
            found = await compute_availability_in_influxdb(opened, selector, DEPLOYMENTS, now_ns=NOW)
            assert found == expected
            assert sum(one.count for one in found.intervals) == 400


async def test_a_stream_without_data(influxdb: InfluxDB, bucket: str) -> None:
    async with store(influxdb, bucket) as opened:
        for rules in (EXACT, BINS, replace(EXACT, bin_width_ns=7)):
            for deployments in ([], DEPLOYMENTS):
                for name in ("m", "stream_bins"):
                    arguments = (Selector(name, "v"), deployments, rules)
                    expected = await query_availability(opened, *arguments, now_ns=NOW)
                    assert await compute_availability_in_influxdb(opened, *arguments, now_ns=NOW) == expected


async def test_rollups_are_read_in_place_of_points(influxdb: InfluxDB, bucket: str) -> None:
    """Deployments begin and end within windows, so that their edges come from points."""
    day = 24 * HOUR
    async with store(influxdb, bucket) as opened:
        times = [T + n * HOUR // 7 for n in range(60_000) if not 9_000 < n < 11_000 and n % 5_000]
        for start in range(0, len(times), 20_000):
            batch = times[start : start + 20_000]
            await opened.write("\n".join(f"m,a={time_ns % 3} v=1 {time_ns}" for time_ns in batch).encode())
        for change in await find_changes(opened, (RollupTier(HOUR), RollupTier(day))):
            await change.apply(lambda *_: None)
        deployments = [Deployment(1, T + day // 3, T + 100 * day), Deployment(2, T + 150 * day)]
        now = T + 400 * day
        for rules in (EXACT, BINS, replace(EXACT, gap_fraction=0.02)):
            known = await compute_availability_in_influxdb(
                opened, Selector("m", "v"), deployments, rules, now_ns=now
            )
            opened.rollups._fresh_until_s, opened.rollups._known = float("inf"), []
            arguments = (opened, Selector("m", "v"), deployments, rules)
            assert known == await query_availability(*arguments, now_ns=now)
            assert known == await compute_availability_in_influxdb(*arguments, now_ns=now)
            opened.rollups.forget()
        [one] = [one for one in await opened.rollups.all() if one.every_ns == day]
        whole = -(-T // day) * day, (T + 300 * day) // day * day
        assert await opened.rollups.widest("m", T, T + 300 * day, day) == (one, *whole)
