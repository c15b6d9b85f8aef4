"""The report on a stream in a store is that on an array of its times, whatever the store."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.availability import (
    BINS,
    EXACT,
    Category,
    Deployment,
    Interval,
    MinWindowWidths,
    Report,
    Rules,
    compute_availability,
    compute_intervals,
    query_availability,
)
from tsmon.availability.from_store import split_by_retention
from tsmon.line_protocol import encode
from tsmon.points import StreamBin
from tsmon.stores import Bin, Retention, Selector, Store
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore

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
    "rules", [EXACT, BINS, replace(EXACT, bin_width_ns=3600 * S), replace(BINS, sparse_floor=0.0)]
)
async def test_a_store_and_an_array_have_the_same_report(store: Store, rules: Rules) -> None:
    await stored(store)
    found = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, rules, now_ns=NOW)
    assert found == compute_availability(TIMES, DEPLOYMENTS, rules, name="m", now_ns=NOW)
    assert len({one.category for one in found.intervals}) >= 3


async def test_a_report_on_a_part_of_the_time_is_that_part_of_the_whole(store: Store) -> None:
    await stored(store)
    window = {"start_ns": T + DAY, "end_ns": T + 4 * DAY}
    found = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, now_ns=NOW, **window, name="x")
    assert found == compute_availability(TIMES, DEPLOYMENTS, now_ns=NOW, **window, name="x")


async def test_an_unknown_stream_is_missing_whole(store: Store) -> None:
    found = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, now_ns=NOW)
    assert found == compute_availability([], DEPLOYMENTS, name="m", now_ns=NOW)


async def test_wider_windows_show_the_gaps_that_are_wider_than_they_with_their_exact_edges(store: Store) -> None:
    noon = T // DAY * DAY + DAY // 2
    times = [
        noon + S * second
        for part in (range(3_000), range(7_000, 200_000), range(500_000, 600_000))
        for second in part[::50]
    ]
    await store.write("\n".join(f"m v=1 {time}" for time in times).encode())
    deployments = [Deployment(1, noon, noon + 600_000 * S)]
    coarse = MinWindowWidths(inside_ns=DAY, outside_ns=DAY)
    found = await query_availability(store, Selector("m", "v"), deployments, now_ns=NOW * 2, min_widths=coarse)
    exact = compute_availability(times, deployments, now_ns=NOW * 2)
    assert len(gaps(exact)) == 2
    assert gaps(found) == gaps(exact)[1:]


async def test_narrow_windows_within_the_time_of_the_report_are_enough_for_its_gaps(store: Store) -> None:
    await stored(store)
    window = {"start_ns": T + DAY + 5_000 * S, "end_ns": T + 4 * DAY + 7 * S, "now_ns": NOW}
    coarse = MinWindowWidths(outside_ns=DAY // 4)
    found = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, **window, min_widths=coarse)
    exact = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, **window)
    assert gaps(found) == gaps(exact)
    assert len(gaps(exact)) == 2


async def test_bins_are_as_given_whatever_windows_would_do(store: Store) -> None:
    await stored(store)
    hourly = replace(BINS, bin_width_ns=3600 * S)
    coarse = MinWindowWidths(DAY, DAY)
    found = await query_availability(store, Selector("m", "v"), DEPLOYMENTS, hourly, now_ns=NOW, min_widths=coarse)
    assert found == compute_availability(TIMES, DEPLOYMENTS, hourly, name="m", now_ns=NOW)


def gaps(found: Report) -> list[Interval]:
    return [one for one in found.intervals if one.category is Category.MISSING]


async def test_bins_that_are_given_are_taken_as_they_are(store: Store) -> None:
    """One crosses the edge of a deployment; one point is not whole, and none."""
    names = {"reference_designator": "GP03", "method": "streamed", "stream": "ctd"}
    bins = [(T, DAY, 100), (T + 2 * DAY - 50 * S, DAY, 40), (T + 4 * DAY, 0, 1)]
    points = [StreamBin(**names, time=first, length=length, count=count) for first, length, count in bins]
    text = b"\n".join(map(encode, points))
    await store.write(text + f"\nstream_bins,method=streamed count=1i {T + 5 * DAY}".encode())
    known = [Bin(first, first, first + length, count) for first, length, count in bins]
    for rules in (EXACT, BINS):
        selector = Selector("stream_bins", "count", {"method": "streamed"})
        found = await query_availability(store, selector, DEPLOYMENTS, rules, now_ns=NOW)
        assert list(found.intervals) == compute_intervals(known, DEPLOYMENTS, rules, now_ns=NOW)
        assert sum(one.count for one in found.intervals) > 1


async def test_what_only_wide_rollups_tell_of_any_more_is_not_missing(tmp_path: Path) -> None:
    """Points of the last days, hours of some more, and days for ever: gaps are as exact as what is left of them."""
    tiers = (RollupTier(3600 * S, 40 * DAY), RollupTier(DAY))
    noon = T // DAY * DAY + DAY // 2
    times = [noon + n * 600 * S for n in range(200 * 144) if not 70 * 144 < n < 75 * 144]
    deployments = [Deployment(1, noon, noon + 200 * DAY)]
    now = noon + 200 * DAY
    async with SqliteStore(tmp_path / "tsmon.db", tiers=tiers) as store:
        await store.write("\n".join(f"m v=1 {time}" for time in times).encode())
        await store.refresh_rollups()
        whole = await query_availability(store, Selector("m", "v"), deployments, now_ns=now)
        assert whole == compute_availability(times, deployments, name="m", now_ns=now)
        await store.apply_retention(10 * DAY, now_ns=now)
        found = await query_availability(store, Selector("m", "v"), deployments, now_ns=now)
        assert [(one.category, one.start_ns, one.end_ns) for one in found.intervals] == [
            (one.category, one.start_ns, one.end_ns) for one in whole.intervals
        ]
        # The days on the edges are told whole.
        assert len(times) <= sum(one.count for one in found.intervals) <= len(times) + 2 * 144


@given(
    st.integers(-50, 50),
    st.integers(1, 100),
    st.sampled_from([1, 2, 3, 6, 12]),
    st.lists(st.integers(-60, 60), min_size=3, max_size=3),
)
def test_parts_of_what_is_kept_cover_the_span_in_whole_windows(
    start: int, length: int, every: int, froms: list[int]
) -> None:
    # Wider rollups are kept at least as long as narrower ones.
    hours, days = froms[1] // 4 * 4, min(froms[1:]) // 24 * 24
    kept = [Retention(0, froms[0]), Retention(4, hours), Retention(24, days)]
    parts = split_by_retention(start, start + length, every, kept)
    for before, after in pairwise(parts):
        assert before[1] == after[0]
    # Only the last of what is kept may be asked for what it has not.
    if parts:
        assert parts[0][0] <= start or start < 0
        assert parts[-1][1] >= start + length
    for low, high, width in parts:
        tier = next((one for one in (24, 4) if width % one == 0 and low % one == 0 and high % one == 0), 0)
        assert start <= low < high <= start + length or (tier and high - low == tier)
