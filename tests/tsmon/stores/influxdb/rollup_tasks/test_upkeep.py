"""What refreshing rollups does beside the server's tasks."""

import time

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import upkeep
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.setup_change import ignore_progress
from tsmon.time_units import DAY_NS, HOUR_NS

S = 1_000_000_000
DAY = 86_400 * S
TIERS = (RollupTier(HOUR_NS, 400 * DAY_NS),)


def store_of(influxdb: InfluxDB, bucket: str, tiers: tuple[RollupTier, ...] | None = TIERS) -> InfluxStore:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    return InfluxStore(connection, tiers=tiers)


async def counted(store: InfluxStore, measurement: str) -> int:
    text = await store.query(
        f'from(bucket: "{store.connection.bucket}_1h") |> range(start: -30d) '
        f'|> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "v:count") |> group() |> sum()'
    )
    return int(text.split(",")[-1]) if text.strip() else 0


async def set_up(store: InfluxStore) -> None:
    for change in await store.setup_changes():
        await change.apply(ignore_progress)


async def test_a_server_without_rollups_is_left_alone(influxdb: InfluxDB, bucket: str) -> None:
    async with store_of(influxdb, bucket) as store:
        await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        await store.refresh_rollups()
        assert await store.find_bucket(f"{bucket}_1h") is None


async def test_late_points_of_ones_own_and_new_measurements(influxdb: InfluxDB, bucket: str) -> None:
    async with store_of(influxdb, bucket) as store:
        await set_up(store)
        await store.refresh_rollups()
        await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        store._upkeep._setup_s = float("-inf")
        await store.refresh_rollups()
        assert await counted(store, "m") == 1
        await store.write(b"m v=1 %d\nm,a=b v=2 %d" % (time.time_ns() - 3 * DAY, time.time_ns() - 2 * DAY))
        assert await counted(store, "m") == 1
        await store.refresh_rollups()
        assert await counted(store, "m") == 3


async def test_what_others_wrote_late_is_found_by_comparing(
    influxdb: InfluxDB, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store_of(influxdb, bucket) as store, store_of(influxdb, bucket) as other:
        await store.write(b"m v=1 %d" % (time.time_ns() - 5 * DAY))
        await set_up(store)
        await store.refresh_rollups()
        await other.write(b"m v=2 %d" % (time.time_ns() - 3 * DAY))
        await store.refresh_rollups()
        assert await counted(store, "m") == 1
        monkeypatch.setattr(upkeep, "COMPARISON_INTERVAL_S", 0.0)
        await store.refresh_rollups()
        assert await counted(store, "m") == 2


@pytest.mark.parametrize("tiers", [None, ()])
async def test_without_tiers_nothing_is_set_up_or_refreshed(
    influxdb: InfluxDB, bucket: str, tiers: tuple[RollupTier, ...] | None
) -> None:
    async with store_of(influxdb, bucket) as store, store_of(influxdb, bucket, tiers) as other:
        await set_up(store)
        await other.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        assert await other.setup_changes() == []
        await other.refresh_rollups()
        assert other.on_written is None
        await other.change_tiers(TIERS)
        await other.refresh_rollups()
        assert await counted(other, "m") == 1


async def test_history_is_rolled_up_at_the_end_of_a_backfill(influxdb: InfluxDB, bucket: str) -> None:
    rolling_up: list[str] = []
    async with store_of(influxdb, bucket) as store:
        async with store.backfill(rolling_up.append):
            await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        assert rolling_up == []
        await set_up(store)
        async with store.backfill(rolling_up.append):
            await store.write(b"m v=1 %d\nn v=1 %d" % (time.time_ns() - 3 * DAY, time.time_ns() - DAY))
        assert rolling_up == ["m", "n"]
        assert store.on_written is None
        assert await counted(store, "m") == 2


async def test_a_backfill_that_fails_rolls_up_nothing(influxdb: InfluxDB, bucket: str) -> None:
    async with store_of(influxdb, bucket) as store:
        await store.write(b"m v=1 %d" % (time.time_ns() - 2 * DAY))
        await set_up(store)

        async def fail() -> None:
            async with store.backfill():
                await store.write(b"m v=1 %d" % (time.time_ns() - 3 * DAY))
                raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            await fail()
        assert store.on_written is None
        assert await counted(store, "m") == 1
