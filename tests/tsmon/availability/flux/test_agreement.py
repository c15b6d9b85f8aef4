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


DAY = 86_400_000_000_000
YEAR_1800 = -62_091 * DAY
ENDS = (-(2**63) + 2, 2**63 - 3)


@pytest.mark.parametrize("preset", [EXACT, BINS], ids=["exact", "bins"])
def test_of_a_stream_since_1800(run: Run, preset: Rules) -> None:
    """A tide gauge: deployments in any century, and now and then a time at either end of what is possible."""
    days = st.integers(0, 80_000).map(lambda day: YEAR_1800 + day * DAY)
    runs = st.tuples(days, st.integers(1, 30), st.sampled_from([DAY // 24, DAY, 31 * DAY]))
    history = st.lists(runs, max_size=4)

    @settings(max_examples=15)
    @given(history, st.lists(st.tuples(days, days), max_size=3), st.sets(st.sampled_from(ENDS)), days)
    def agrees(history: list[tuple[int, int, int]], edges: list[tuple[int, int]], ends: set[int], now: int) -> None:
        name = f"m{next(numbers)}"
        times = [start + n * step for start, count, step in history for n in range(count)] + sorted(ends)
        deployments = [Deployment(n, *sorted(one)) for n, one in enumerate(edges)]

        async def work(store: InfluxStore) -> None:
            await store.write(
                "\n".join(f"{name} v={n}i {time_ns}" for n, time_ns in enumerate([*times, 5])).encode()
            )
            arguments = (Selector(name, "v"), deployments, preset)
            expected = await query_availability(store, *arguments, now_ns=now)
            assert await compute_availability_in_influxdb(store, *arguments, now_ns=now) == expected

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
