"""InfluxDB tells the same intervals as the library does, on random streams, deployments and rules."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.influxdb import InfluxDB
from tests.tsmon.availability import made
from tsmon.availability import (
    BINS,
    EXACT,
    Deployment,
    Report,
    Rules,
    compute_spans,
    compute_timeline,
    query_availability,
)
from tsmon.availability.flux import compute_availability_in_influxdb
from tsmon.line_protocol import encode
from tsmon.points import StreamBin
from tsmon.stores import Bin, Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

Run = Callable[[Callable[[InfluxStore], Coroutine[Any, Any, None]]], None]

WINDOW = {"start_ns": made.BEGINNING, "end_ns": made.END}
NAMES = {"reference_designator": "GP03", "stream": "ctd"}

EXAMPLES = settings(max_examples=40)
numbers = itertools.count()


@pytest.fixture(scope="module")
def run(influxdb: InfluxDB) -> Run:
    bucket = influxdb.new_bucket()

    def in_store(work: Callable[[InfluxStore], Coroutine[Any, Any, None]]) -> None:
        async def opened() -> None:
            connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
            async with InfluxStore(connection) as store:
                await work(store)

        asyncio.run(opened())

    return in_store


async def same(
    store: InfluxStore, selector: Selector, deployments: list[Deployment], rules: Rules, now: int
) -> Report:
    arguments = (selector, deployments, rules)
    expected = await query_availability(store, *arguments, now_ns=now, **WINDOW)
    assert await compute_availability_in_influxdb(store, *arguments, now_ns=now, **WINDOW) == expected
    return expected


@pytest.mark.parametrize("preset", [EXACT, BINS], ids=["exact", "bins"])
def test_of_points(run: Run, preset: Rules) -> None:
    @EXAMPLES
    @given(made.points(), made.deployments(), made.rules(preset), made.nows, st.integers(1, 3))
    def agrees(points: list[int], deployments: list[Deployment], rules: Rules, now: int, series: int) -> None:
        name = f"m{next(numbers)}"

        async def work(store: InfluxStore) -> None:
            lines = [f"{name},host=h{i % series} v={i}i {time_ns}" for i, time_ns in enumerate(points)]
            await store.write("\n".join([*lines, f"{name}_other v=1 5"]).encode())
            await same(store, Selector(name, "v"), deployments, rules, now)

        run(work)

    agrees()


@pytest.mark.parametrize("preset", [EXACT, BINS], ids=["exact", "bins"])
def test_of_bins_that_are_given(run: Run, preset: Rules) -> None:
    @EXAMPLES
    @given(made.bins(), made.deployments(), made.rules(preset), made.nows)
    def agrees(bins: list[Bin], deployments: list[Deployment], rules: Rules, now: int) -> None:
        method = f"m{next(numbers)}"
        kept = {one.first_ns: one for one in bins}
        bins = [one for one in kept.values() if one.count > 1 or one.first_ns == one.last_ns]

        async def work(store: InfluxStore) -> None:
            points = [
                StreamBin(
                    **NAMES, method=method, time=one.first_ns, length=one.last_ns - one.first_ns, count=one.count
                )
                for one in bins
            ]
            await store.write(b"\n".join(map(encode, points)))
            selector = Selector("stream_bins", "count", {"method": method})
            report = await same(store, selector, deployments, rules, now)
            known = compute_timeline(bins, compute_spans(deployments, rules, now_ns=now), rules)
            assert report.intervals == known.intervals_between(made.BEGINNING, made.END)

        run(work)

    agrees()
