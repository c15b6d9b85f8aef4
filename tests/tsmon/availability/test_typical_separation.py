"""A stream whose period is nowhere set is judged by its own typical separation, by every way of reading it."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.availability import (
    BINS,
    EXACT,
    Category,
    Deployment,
    MinWindowWidths,
    Report,
    bin_times,
    compute_availability,
    compute_spans,
    compute_timeline,
    query_availability,
)
from tsmon.availability.deployments import END_NS
from tsmon.availability.flux import compute_availability_in_influxdb
from tsmon.stores import Selector, Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import find_changes
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore

S = 1_000_000_000
MINUTE, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S
T = 1_700_000_000 * S
PRESENT, MISSING = Category.PRESENT, Category.MISSING

PERIODS = [7 * MINUTE, 50 * MINUTE, 5 * HOUR, 11 * HOUR + 30 * MINUTE, 23 * HOUR, DAY, DAY + 1, 7 * DAY, 91 * DAY]


def rows(report: Report) -> list[tuple[Category, int, int]]:
    return [(one.category, one.start_ns, one.end_ns) for one in report.intervals]


def limit_ns(report: Report) -> int:
    [span] = [one for one in report.spans if one.deployment]
    return span.limit_ns


def test_the_streams_that_were_missing_from_end_to_end() -> None:
    for period_ns, points in ((11 * HOUR + 30 * MINUTE, 764), (15 * MINUTE, 288)):
        times = [T + n * period_ns for n in range(points)]
        for deployments in (None, [Deployment(1, T, T + points * period_ns)], [Deployment(1, T)]):
            found = compute_availability(times, deployments, now_ns=T + points * period_ns)
            [whole] = found.intervals
            assert (whole.category, whole.count) == (PRESENT, points)
            assert limit_ns(found) == 2 * period_ns
    known = replace(EXACT, period_ns=round(S / 0.0011))
    [young] = compute_availability(times, [Deployment(1, T)], known, now_ns=T + 3 * DAY).intervals
    assert (young.category, young.count) == (PRESENT, 288)


@pytest.mark.parametrize("period_ns", PERIODS)
@pytest.mark.parametrize("points", [2, 3, 20, 999, 1001])
def test_a_regular_stream_is_present_whatever_its_period_and_more_than_two_periods_are_a_gap(
    period_ns: int, points: int
) -> None:
    start = T - points * period_ns // 2
    times = [start + n * period_ns for n in range(points)]
    deployments = [Deployment(1, start - period_ns, start + (points + 1) * period_ns)]
    whole = compute_availability(times, deployments, unit="ns", now_ns=END_NS)
    assert rows(whole) == [(PRESENT, deployments[0].start_ns, deployments[0].end_ns)]
    if points >= 20:
        cut = points // 2
        found = compute_availability(times[:cut] + times[cut + 5 :], deployments, unit="ns", now_ns=END_NS)
        assert 2 * period_ns <= limit_ns(found) < 3 * period_ns
        assert [row for row in rows(found) if row[0] is MISSING] == [(MISSING, times[cut - 1], times[cut + 5])]


def test_expected_rates_come_before_typical_separations() -> None:
    times = [T + n * HOUR for n in range(200)]
    found = compute_availability(times, rules=replace(EXACT, period_ns=10 * MINUTE))
    [missing] = found.intervals
    assert (missing.category, missing.count, missing.isolated) == (MISSING, 0, 200)
    assert str(missing).endswith("Missing (0 points, 200 isolated)")
    assert found.isolated == 200
    assert limit_ns(found) == 20 * MINUTE


def test_with_gaps_between_bins_limits_do_not_depend_on_the_data() -> None:
    times = [T + n * 7 * DAY for n in range(50)]
    found = compute_availability(times, rules=BINS)
    assert limit_ns(found) == BINS.limit_ns(times[-1] + 1 - times[0])
    assert not any(one.count for one in found.intervals if one.category is MISSING)


def test_a_repeated_point_does_not_make_a_daily_stream_one_of_seconds() -> None:
    times = sorted([T + n * DAY for n in range(300)] + [T + 100 * DAY + S, T + 200 * DAY + S])
    assert [one.category for one in compute_availability(times).intervals] == [PRESENT]


def test_each_deployment_has_a_typical_separation_of_its_own() -> None:
    """The second is younger than a day, and begins on the day on which the first, which is faster, ends."""
    noon = T // DAY * DAY + 12 * HOUR
    fast = [noon - n * MINUTE for n in range(1, 30 * 1440)]
    slow = [noon + HOUR + n * 20 * MINUTE for n in range(20)]
    weekly = [noon + 30 * DAY + n * 7 * DAY for n in range(20)]
    deployments = [
        Deployment(1, noon - 30 * DAY, noon),
        Deployment(2, noon + HOUR, noon + 8 * HOUR),
        Deployment(3, noon + 30 * DAY, noon + 170 * DAY),
    ]
    found = compute_availability(sorted([*fast, *slow, *weekly]), deployments)
    assert MISSING not in {one.category for one in found.intervals}
    limits = [one.limit_ns for one in found.spans if one.deployment]
    assert limits == [30 * DAY // 1000, 40 * MINUTE, 14 * DAY]


@pytest.mark.parametrize("seed", range(5))
def test_windows_of_every_width_up_to_the_bin_tell_the_same(seed: int) -> None:
    """Of days and of minutes: the limits are the same to the nanosecond, and so are gaps beyond a day."""
    times, deployments = irregular(seed)
    spans = compute_spans(deployments, EXACT, now_ns=2 * T)
    found = compute_timeline(bin_times(times, spans), spans, EXACT)
    for every_ns in (DAY, 6 * HOUR, HOUR, MINUTE):
        windows = [replace(span, every_ns=every_ns) for span in spans]
        other = compute_timeline(bin_times(times, windows), spans, EXACT)
        assert other.spans == found.spans
        if every_ns <= min(span.limit_ns for span in found.spans if span.deployment):
            assert other == found


def irregular(seed: int) -> tuple[list[int], list[Deployment]]:
    """Two deployments of a slow stream with outages, jitter and some lone points; edges are within days."""
    made = random.Random(seed)
    period = made.choice([3 * HOUR, 7 * HOUR, 13 * HOUR, 2 * DAY])
    times, time_ns = set(), T
    for _ in range(400):
        time_ns += round(period * made.uniform(0.7, 1.3)) if made.random() > 0.03 else made.randrange(20 * period)
        times.add(time_ns)
    middle = T + (time_ns - T) // 2 + 7
    return sorted(times), [Deployment(1, T - 5, middle), Deployment(2, middle + 30 * HOUR)]


def lines(name: str, times: list[int]) -> bytes:
    return "\n".join(f"{name},host=h{n % 2} v=1 {time}" for n, time in enumerate(times)).encode()


async def test_every_store_has_the_report_of_an_array(store: Store) -> None:
    for seed in range(4):
        times, deployments = irregular(seed)
        now_ns = times[-1] + HOUR
        await store.write(lines(f"m{seed}", times))
        expected = compute_availability(times, deployments, name=f"m{seed}", now_ns=now_ns)
        assert await query_availability(store, Selector(f"m{seed}", "v"), deployments, now_ns=now_ns) == expected
        drawn = await query_availability(
            store, Selector(f"m{seed}", "v"), deployments, now_ns=now_ns, min_widths=MinWindowWidths(DAY, DAY)
        )
        assert same_limits(drawn, expected)
        assert not any(one.count for one in drawn.intervals if one.category is MISSING)


def same_limits(one: Report, other: Report) -> bool:
    """Of deployments that have whole days, whether the days on their edges are cut or not."""
    return [span.limit_ns for span in one.spans] == [span.limit_ns for span in other.spans]


async def test_rollups_have_the_intervals_of_the_points_that_are_gone(tmp_path: Path) -> None:
    tiers = (RollupTier(HOUR, 40 * DAY), RollupTier(DAY))
    noon = T // DAY * DAY + DAY // 2
    times = [noon + n * 11 * HOUR for n in range(700) if not 300 < n < 320 and n % 97]
    weekly = [noon + n * 7 * DAY for n in range(50) if not 20 <= n <= 23]
    now = noon + 330 * DAY
    deployments = [Deployment(1, noon, noon + 150 * DAY), Deployment(2, noon + 150 * DAY)]
    async with SqliteStore(tmp_path / "tsmon.db", tiers=tiers) as store:
        await store.write(lines("m", times))
        await store.write(lines("w", weekly))
        await store.refresh_rollups()
        for kept_days in (1000, 60, 1):
            await store.apply_retention(kept_days * DAY, now_ns=now)
            for name, points in (("m", times), ("w", weekly)):
                expected = compute_availability(points, deployments, name=name, now_ns=now)
                found = await query_availability(store, Selector(name, "v"), deployments, now_ns=now)
                assert rows(found) == rows(expected)
                assert same_limits(found, expected)
                assert {one.category for one in found.intervals} >= {PRESENT, MISSING}


async def test_flux_and_rollups_of_influxdb(influxdb: InfluxDB, bucket: str) -> None:
    """From points, and from points and hours, read by the library and computed by the server."""
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    times, deployments = irregular(1)
    now_ns = times[-1] + HOUR
    arguments = (Selector("m", "v"), deployments)
    expected = compute_availability(times, deployments, name="m", now_ns=now_ns)
    assert expected.isolated
    async with InfluxStore(connection) as store:
        await store.write(lines("m", times))
        assert await compute_availability_in_influxdb(store, *arguments, now_ns=now_ns) == expected
        for change in await find_changes(store, (RollupTier(HOUR), RollupTier(DAY))):
            await change.apply(lambda *_: None)
        store.rollups.forget()
        assert await query_availability(store, *arguments, now_ns=now_ns) == expected
        assert await compute_availability_in_influxdb(store, *arguments, now_ns=now_ns) == expected


@pytest.mark.parametrize(("points", "expected"), [(11, 2 * 5), (12, 2 * 1000 // 11)])
def test_windows_tell_it_if_a_tenth_of_the_separations_are_within_them(points: int, expected: int) -> None:
    """One pair within a window, all others in windows of their own; the first and last window are cut."""
    times = sorted([*(T + 100 * n + 50 for n in range(points - 1)), T + 355])
    deployments = [Deployment(1, T + 1, T + 100 * points)]
    rules = replace(EXACT, bin_width_ns=100)
    found = compute_availability(times, deployments, rules, now_ns=END_NS)
    assert limit_ns(found) == expected


async def test_separations_of_centuries_have_limits_within_all_of_time(influxdb: InfluxDB, bucket: str) -> None:
    """Twice 200 years is more nanoseconds than there are, and so is twice the period of a tiny expected rate."""
    year = 365 * DAY
    times = [-170 * year, 30 * year]
    deployments = [Deployment(1, -170 * year, 60 * year)]
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as store:
        await store.write(lines("m", times))
        for rules in (EXACT, replace(EXACT, period_ns=150 * year)):
            found = await query_availability(store, Selector("m", "v"), deployments, rules, now_ns=60 * year)
            assert rows(found) == [(PRESENT, -170 * year, 60 * year)]
            assert limit_ns(found) == END_NS
            computed = await compute_availability_in_influxdb(
                store, Selector("m", "v"), deployments, rules, now_ns=60 * year
            )
            assert computed == found
