"""A query that nobody waits for any more costs the server nothing."""

import asyncio
import urllib.request
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.waiting import eventually
from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Selector, WindowedSpan
from tsmon.stores.concurrent_queries import query_together
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

DAY = 86_400_000_000_000


def count_running(influxdb: InfluxDB) -> int:
    """Number of queries that the server is executing."""
    with urllib.request.urlopen(f"{influxdb.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("qc_executing_active"))


async def together(*queries: Coroutine[Any, Any, str]) -> None:
    async with query_together() as group:
        for one in queries:
            group.create_task(one)


def endless(bucket: str) -> str:
    """Never answered by InfluxDB 2.9.1: an aggregate without a window over a range before the epoch."""
    return (
        f'from(bucket: "{bucket}") |> range(start: time(v: {-9 * DAY}), stop: time(v: {-DAY})) '
        '|> filter(fn: (r) => r._measurement == "old") |> count() |> group() |> sum()'
    )


async def test_the_server_ends_what_is_abandoned(influxdb: InfluxDB, bucket: str) -> None:
    connection = InfluxConnection(
        url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token, timeout_s=1.0
    )
    async with InfluxStore(connection) as store:
        await store.write(b"old v=1 %d" % (-5 * DAY))
        with pytest.raises(StoreUnavailableError, match="no answer within 1 s"):
            await store.query(endless(bucket))
        await eventually(lambda: count_running(influxdb) == 0)

        cancelled = asyncio.ensure_future(store.query(endless(bucket), timeout_s=60))
        await eventually(lambda: count_running(influxdb) > 0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        await eventually(lambda: count_running(influxdb) == 0)

        with pytest.raises(StoreRefusedError):
            await together(store.query(endless(bucket), timeout_s=60), store.query("no flux"))
        await eventually(lambda: count_running(influxdb) == 0)


async def test_a_failure_among_the_bins_of_many_spans_cancels_the_others() -> None:
    ended = []

    class Failing(InfluxStore):
        async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> Any:
            if start_ns == 7:
                raise StoreError("seven")
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(start_ns)

    spans = [WindowedSpan(start, 100, 3) for start in (5, 7, 9)]
    answer: Coroutine[Any, Any, Any] = Failing(InfluxConnection()).bins_of_spans(Selector("m", "v"), spans)
    with pytest.raises(StoreError, match=r"^seven$"):
        await answer
    assert sorted(ended) == [5, 9]
