"""What the agent keeps up beside the server's tasks."""

import time

import pytest
from tsmon_agent.upkeep.influx_rollups import InfluxRollups

from tests.services.influxdb import InfluxDB
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import WrittenSpans, find_changes
from tsmon_agent.settings import RollupSettings
from tsmon_agent.upkeep import influx_rollups

S = 1_000_000_000
DAY = 86_400 * S
SETTINGS = RollupSettings(tiers={"1h": "400d"})


def store_of(influxdb: InfluxDB, bucket: str) -> InfluxStore:
    return InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))


async def counted(store: InfluxStore, measurement: str) -> int:
    text = await store.query(
        f'from(bucket: "{store.connection.bucket}_1h") |> range(start: -30d) '
        f'|> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "v:count") |> group() |> sum()'
    )
    return int(text.split(",")[-1]) if text.strip() else 0


async def set_up(store: InfluxStore) -> None:
    for change in await find_changes(store, SETTINGS.effective_tiers):
        await change.apply(lambda *_: None)


async def test_a_server_without_rollups_is_left_alone(influxdb: InfluxDB, bucket: str) -> None:
    async with store_of(influxdb, bucket) as store:
        await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        await InfluxRollups(store).keep_up(SETTINGS)
        assert await store.find_bucket(f"{bucket}_1h") is None


async def test_late_points_of_ones_own_and_new_measurements(influxdb: InfluxDB, bucket: str) -> None:
    async with store_of(influxdb, bucket) as store:
        await set_up(store)
        rollups = InfluxRollups(store)
        await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        await rollups.keep_up(SETTINGS)
        assert await counted(store, "m") == 1
        await store.write(b"m v=1 %d\nm,a=b v=2 %d" % (time.time_ns() - 3 * DAY, time.time_ns() - 2 * DAY))
        assert await counted(store, "m") == 1
        await rollups.keep_up(SETTINGS)
        assert await counted(store, "m") == 3


async def test_what_others_wrote_late_is_found_by_comparing(
    influxdb: InfluxDB, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store_of(influxdb, bucket) as store, store_of(influxdb, bucket) as other:
        await store.write(b"m v=1 %d" % (time.time_ns() - 5 * DAY))
        await set_up(store)
        rollups = InfluxRollups(store)
        await rollups.keep_up(SETTINGS)
        await other.write(b"m v=2 %d" % (time.time_ns() - 3 * DAY))
        await rollups.keep_up(SETTINGS)
        assert await counted(store, "m") == 1
        monkeypatch.setattr(influx_rollups, "COMPARE_S", 0.0)
        await rollups.keep_up(SETTINGS)
        assert await counted(store, "m") == 2


def test_spans_of_batches() -> None:
    spans = WrittenSpans()
    spans.saw(b'a\\ b,t=1 v=1 5\nm v=1 30\nm s="x y" 7\nm v=1\n# c\n\nm v=1 9', before_ns=20)
    spans.saw(b"m v=1 3", before_ns=20)
    assert sorted(spans.take()) == [("a b", 5, 6), ("m", 3, 10)]
    assert spans.take() == []
