"""The report on a stream in a store is that on an array of its times, whatever the store."""

from dataclasses import replace

import pytest

from tsmon.availability import DOCUMENT, EXACT, Deployment, Rules, availability_of, report
from tsmon.stores import Selector, Store

S = 1_000_000_000
T = 1_700_000_000 * S
DAY = 86_400 * S
TIMES = [
    T + second * S + second
    for part in (
        range(0, 90_000, 60),
        range(100_000, 200_000, 90),
        range(300_000, 400_000, 150),
        range(500_000, 500_001),
    )
    for second in part
]
DEPLOYMENTS = [Deployment(1, T + 3600 * S, T + 2 * DAY), Deployment(2, T + 3 * DAY)]
NOW = T + 6 * DAY


async def stored(store: Store) -> None:
    await store.write("\n".join(f"m,host=ab{i % 2} v=1 {time}" for i, time in enumerate(TIMES)).encode())


@pytest.mark.parametrize(
    "rules", [EXACT, DOCUMENT, replace(EXACT, bin_width_ns=3600 * S), replace(DOCUMENT, sparse_floor=0.0)]
)
async def test_a_store_and_an_array_have_the_same_report(store: Store, rules: Rules) -> None:
    await stored(store)
    found = await availability_of(store, Selector("m", "v"), DEPLOYMENTS, rules, now_ns=NOW)
    assert found == report(TIMES, DEPLOYMENTS, rules, name="m", now_ns=NOW)
    assert len({one.category for one in found.intervals}) >= 3


async def test_a_report_on_a_part_of_the_time_is_that_part_of_the_whole(store: Store) -> None:
    await stored(store)
    window = {"start_ns": T + DAY, "end_ns": T + 4 * DAY}
    found = await availability_of(store, Selector("m", "v"), DEPLOYMENTS, now_ns=NOW, **window, name="x")
    assert found == report(TIMES, DEPLOYMENTS, now_ns=NOW, **window, name="x")


async def test_an_unknown_stream_is_missing_whole(store: Store) -> None:
    found = await availability_of(store, Selector("m", "v"), DEPLOYMENTS, now_ns=NOW)
    assert found == report([], DEPLOYMENTS, name="m", now_ns=NOW)
