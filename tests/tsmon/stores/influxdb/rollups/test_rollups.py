"""Rollups on the real server: answers from them are those of the points."""

import random
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.errors import StoreRefusedError
from tsmon.stores import Bin, Count, Selector, Series, WindowedSpan
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.annotated_csv import parse_rows
from tsmon.stores.influxdb.rollup_tasks import find_changes, find_differing_days, recompute
from tsmon.stores.influxdb.rollup_tasks.recompute import roll_up, split_span
from tsmon.stores.influxdb.rollup_tasks.stored_data import Contents, query_contents
from tsmon.stores.influxdb.rollups import RolledSpan
from tsmon.stores.influxdb.rollups.layout import tier_bucket
from tsmon.stores.retention_policy import RetentionPolicy
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.setup_change import ignore_progress
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

S = 1_000_000_000
NOW = time.time_ns() // DAY_NS * DAY_NS
START = NOW - 9 * DAY_NS + 1234 * S
TIERS = (RollupTier(15 * MINUTE_NS, 30 * DAY_NS), RollupTier(HOUR_NS), RollupTier(DAY_NS))
SELECTOR = Selector("ctd", "value", {"site": "a b"})
SPANS = [
    (START - DAY_NS, NOW + DAY_NS),
    (START + 3 * HOUR_NS + 17, START + 5 * DAY_NS + 1),
    (NOW - 2 * DAY_NS, NOW - DAY_NS),
]


@pytest.fixture
async def store(influxdb: InfluxDB, bucket: str) -> AsyncIterator[InfluxStore]:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as opened:
        yield opened


def lines(seed: int, number: int = 3_000) -> Iterator[str]:
    draw = random.Random(seed)
    for _ in range(number):
        time_ns = START + draw.randrange(0, 8 * DAY_NS)
        tags = draw.choice([r"site=a\ b", r"host=x,site=a\ b", "site=c"])
        word = ',word="a",flag=true' if draw.random() < 0.3 else ""
        yield f"ctd,{tags} value={draw.randrange(1000)}.25,count={draw.randrange(9)}i{word} {time_ns}"


async def write(store: InfluxStore, texts: Iterator[str]) -> None:
    await store.write("\n".join(texts).encode())


async def set_up(store: InfluxStore, tiers: tuple[RollupTier, ...] = TIERS) -> list[str]:
    """What had to be done."""
    changes = await find_changes(store, tiers)
    for change in changes:
        await change.apply(lambda *_: None)
    return [change.text for change in changes]


async def answers(store: InfluxStore) -> tuple[list[list[Bin]], list[list[Series]], list[list[Count]]]:
    """Of many kinds of questions; those about windows that no tier fits come from points in any case."""
    bins, series, counts = [], [], []
    for start_ns, stop_ns in SPANS:
        for field in ("value", "count", "word", "flag"):
            for every_ns in (15 * MINUTE_NS, 2 * HOUR_NS, 7 * MINUTE_NS, 3 * DAY_NS):
                selector = Selector("ctd", field, SELECTOR.tags)
                bins.append(await store.bins(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=every_ns))
                if field in ("value", "count"):
                    series.append(
                        await store.series(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=every_ns)
                    )
            counts.append(await store.counts(Selector("ctd", field), start_ns=start_ns, stop_ns=stop_ns))
    days = [WindowedSpan(NOW - n * DAY_NS, NOW - (n - 3) * DAY_NS, DAY_NS) for n in range(-1, 12, 2)]
    days.append(WindowedSpan(-(2**63) // DAY_NS * DAY_NS, 2**63 // DAY_NS * DAY_NS, DAY_NS))
    for tags in (SELECTOR.tags, {"site": "c"}, {"site": "none"}):
        # One series, whose windows are the rollups as they are; several, which are to be joined; none.
        bins += await store.bins_of_spans(Selector("ctd", "value", tags), days)
        bins += await store.bins_of_spans(
            Selector("ctd", "value", tags), [WindowedSpan(*SPANS[1], HOUR_NS), *days[:2]]
        )
        assert bins[-1] == await store.bins(
            Selector("ctd", "value", tags), start_ns=days[1].start_ns, stop_ns=days[1].stop_ns, every_ns=DAY_NS
        )
    return bins, series, counts


async def from_points(store: InfluxStore) -> tuple[list[list[Bin]], list[list[Series]], list[list[Count]]]:
    async with InfluxStore(store.connection) as other:
        other.rollups._fresh_until_s = float("inf")
        return await answers(other)


async def check(store: InfluxStore) -> None:
    store.rollups.forget()
    bins, series, counts = await answers(store)
    expected_bins, expected_series, expected_counts = await from_points(store)
    assert bins == expected_bins
    assert counts == expected_counts
    assert max(map(len, counts)) == 3, "series"
    for found, expected in zip(series, expected_series, strict=True):
        assert [(one.tags, one.times_ns) for one in found] == [(one.tags, one.times_ns) for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert one.values == pytest.approx(other.values, rel=1e-12)


async def test_answers_are_those_of_the_points(store: InfluxStore) -> None:
    await write(store, lines(1))
    assert await set_up(store)
    assert {(one.measurement, one.every_ns) for one in await store.rollups.all()} == {
        ("ctd", tier.every_ns) for tier in TIERS
    }
    await check(store)
    assert await store.rollups.widest("ctd", START, NOW, 2 * HOUR_NS) is not None


async def test_setting_up_twice_changes_nothing(store: InfluxStore) -> None:
    await write(store, lines(2, 50))
    first = await set_up(store)
    assert sum("create bucket" in text for text in first) == 3
    assert sum("create task" in text for text in first) == 3
    assert await set_up(store) == []


async def test_a_shard_of_a_tier_has_some_hundred_windows(store: InfluxStore) -> None:
    await write(store, lines(2, 50))
    await set_up(store)
    days = []
    for tier in TIERS:
        found = await store.find_bucket(tier_bucket(store.connection.bucket, tier.every_ns))
        assert found is not None
        days.append(found["retentionRules"][0]["shardGroupDurationSeconds"] / 86_400)
    assert days == [3, 15, 364]


async def test_what_is_out_of_date_is_upgraded_and_what_is_not_named_stays(store: InfluxStore) -> None:
    await write(store, lines(3, 50))
    await set_up(store)
    await store.write(b"ctd,site=c new=1 %d" % START)
    await store.write(b"other v=1 %d" % START)
    bucket = store.connection.bucket
    changed = (RollupTier(15 * MINUTE_NS, 60 * DAY_NS), RollupTier(DAY_NS))
    assert set(await set_up(store, changed)) == {
        f"change bucket '{bucket}_15m': keep 60 days",
        f"update task 'tsmon rollups of {bucket}: 15m ctd'",
        f"update task 'tsmon rollups of {bucket}: 1d ctd'",
        f"create task 'tsmon rollups of {bucket}: 15m other'",
        f"create task 'tsmon rollups of {bucket}: 1d other'",
    }
    assert await set_up(store, changed) == []
    await store.change_tiers(changed)
    status = await store.read_retention(RetentionPolicy())
    assert status is not None
    assert (status.narrowings, status.unlisted_tiers) == ((), (HOUR_NS,))
    assert {one.every_ns for one in await store.rollups.all()} == {tier.every_ns for tier in TIERS}


async def test_rollups_are_kept_for_a_shorter_time_on_command_only(store: InfluxStore) -> None:
    await write(store, lines(3, 50))
    await set_up(store)
    shorter = (RollupTier(15 * MINUTE_NS, DAY_NS), RollupTier(HOUR_NS, 2 * DAY_NS), RollupTier(DAY_NS, 20 * DAY_NS))
    await store.change_tiers(shorter)
    assert await set_up(store, shorter) == []
    await store.refresh_rollups()
    for tier in TIERS:
        found = await store.find_bucket(tier_bucket(store.connection.bucket, tier.every_ns))
        assert found is not None
        assert found["retentionRules"][0]["everySeconds"] == (tier.keep_ns or 0) // 10**9
    status = await store.read_retention(RetentionPolicy())
    assert status is not None
    assert [(one.subject, one.keep_ns, one.wanted_ns) for one in status.narrowings] == [
        (tier.every_ns, tier.keep_ns, other.keep_ns) for tier, other in zip(TIERS, shorter, strict=True)
    ]
    rows = [set(one.expiring.rows) for one in status.narrowings if one.expiring is not None]
    assert rows == [{"ctd"}, {"ctd"}, set()]
    changes = await store.setup_changes(shorter=True)
    assert f"change bucket '{store.connection.bucket}_1d': keep 20 days" in [one.text for one in changes]
    for change in changes:
        await change.apply(ignore_progress)
    assert await store.setup_changes() == []
    status = await store.read_retention(RetentionPolicy())
    assert status is not None
    assert status.narrowings == ()


async def test_a_number_that_tasks_do_not_know_yet_gets_the_means_that_they_left_out(store: InfluxStore) -> None:
    await write(store, lines(3, 50))
    await set_up(store)
    known = await query_contents(store, "ctd")
    day = NOW - 3 * DAY_NS
    await store.write("\n".join(f"ctd,site=c fresh={n} {day + n * 7 * MINUTE_NS}" for n in range(200)).encode())
    for rolled in await store.rollups.all():
        await roll_up(store, rolled, known, day, day + DAY_NS)
    query = Selector("ctd", "fresh"), {"start_ns": day, "stop_ns": day + DAY_NS, "every_ns": HOUR_NS}
    assert await store.series(query[0], **query[1]) == []
    assert len(await set_up(store)) == len(TIERS)
    (found,) = await store.series(query[0], **query[1])
    async with InfluxStore(store.connection) as other:
        other.rollups._fresh_until_s = float("inf")
        (expected,) = await other.series(query[0], **query[1])
    assert (found.times_ns, found.values) == (expected.times_ns, pytest.approx(expected.values))
    assert len(found.values) == 24


async def test_late_points_overwrites_and_replays_count_once_their_span_is_computed_again(
    store: InfluxStore,
) -> None:
    await write(store, lines(4, 500))
    await set_up(store)
    await write(store, lines(5, 500))
    await write(store, lines(4, 100))
    await store.write(b"ctd,site=a\\ b value=7 %d" % (START + DAY_NS))
    await recompute(store, "ctd", START, NOW)
    await check(store)
    await recompute(store, "ctd", START, NOW)
    await check(store)


async def test_days_whose_counts_differ_are_found(store: InfluxStore) -> None:
    await write(store, lines(6, 500))
    await set_up(store)
    assert await find_differing_days(store, "ctd", 30, now_ns=NOW) == []
    late = NOW - 3 * DAY_NS + 5 * HOUR_NS
    await store.write(b"ctd,site=c value=1 %d" % late)
    assert await find_differing_days(store, "ctd", 30, now_ns=NOW) == [NOW - 3 * DAY_NS]
    await recompute(store, "ctd", NOW - 3 * DAY_NS, NOW - 2 * DAY_NS)
    assert await find_differing_days(store, "ctd", 30, now_ns=NOW) == []
    await check(store)


async def test_a_day_is_found_that_only_the_widest_tier_has_counted_right(store: InfluxStore) -> None:
    """As when a point comes too late for the tasks of narrower tiers, and in time for that of the days."""
    await write(store, lines(8, 500))
    await set_up(store)
    day = NOW - 3 * DAY_NS
    await store.write(b"ctd,site=a\\ b value=1 %d" % (day + 5 * HOUR_NS))
    [widest] = [one for one in await store.rollups.all() if one.every_ns == DAY_NS]
    await roll_up(store, widest, await query_contents(store, "ctd"), day, day + DAY_NS)
    assert await find_differing_days(store, "ctd", 30, now_ns=NOW) == [day]
    await recompute(store, "ctd", day, day + DAY_NS)
    assert await find_differing_days(store, "ctd", 30, now_ns=NOW) == []
    await check(store)


@pytest.mark.parametrize(("series", "windows"), [(0, 1_000), (1, 1_000), (500, 200), (10**6, 1)])
def test_steps_are_the_smaller_the_more_series_there_are(series: int, windows: int) -> None:
    rolled = RolledSpan("m", DAY_NS, 5 * DAY_NS, 2_005 * DAY_NS)
    found = list(split_span(rolled, Contents([], series), 0, 3_000 * DAY_NS, 0))
    assert found[0] == (5 * DAY_NS, (5 + windows) * DAY_NS)
    assert len(found) == 2_000 // windows
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert found[-1][1] == 2_005 * DAY_NS


async def test_windows_that_lost_their_points_are_frozen(influxdb: InfluxDB) -> None:
    bucket = influxdb.new_bucket(retention_s=3 * 86_400)
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as store:
        now_ns = time.time_ns()
        await store.write("\n".join(f"m v={n} {now_ns - n * HOUR_NS // 2}" for n in range(1, 100)).encode())
        await set_up(store)
        old_ns = now_ns - 5 * DAY_NS
        async with InfluxStore(
            InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=f"{bucket}_1d", token=influxdb.token)
        ) as daily:
            at_ns = old_ns // DAY_NS * DAY_NS
            await daily.write(f"m v:count=9i,v:first={at_ns + 1}i,v:last={at_ns + 9}i,v:mean=4 {at_ns}".encode())
            await recompute(store, "m", old_ns - 10 * DAY_NS, now_ns)
            [kept] = await daily.values(Selector("m", "v:count"), start_ns=at_ns, stop_ns=at_ns + 1)
        assert kept.values == [9]


async def test_the_servers_own_scheduler_runs_a_task_and_notes_how_far_it_came(store: InfluxStore) -> None:
    await store.write(f"m v=1 {time.time_ns() - 3 * S}".encode())
    [*_, create] = await find_changes(store, (RollupTier(S, DAY_NS),))
    await set_up(store, (RollupTier(S, DAY_NS),))
    assert "1s m" in create.text
    [before] = await store.rollups.all()

    async def after() -> int:
        await store.write(f"m v=1 {time.time_ns() - S}".encode())
        tasks = await store.call("GET", "/api/v2/tasks", {"org": "", "limit": "100"})
        [mine] = [
            one for one in tasks["tasks"] if one["name"] == f"tsmon rollups of {store.connection.bucket}: 1s m"
        ]
        await store.call("POST", f"/api/v2/tasks/{mine['id']}/runs", {}, {})
        store.rollups.forget()
        [now] = await store.rollups.all()
        return now.until_ns

    deadline = time.monotonic() + 30
    while await after() <= before.until_ns:
        assert time.monotonic() < deadline
    text = await store.query(f'from(bucket: "{store.connection.bucket}_1s") |> range(start: -1d) |> count()')
    assert {row.values["_field"] for row in parse_rows(text)} == {"v:count", "v:first", "v:last", "v:mean"}


async def test_rollups_across_the_epoch_are_those_of_the_points(store: InfluxStore) -> None:
    """A series has two sums then, one on each side; and ranges that end before the epoch have answers."""
    times = [n * DAY_NS // 3 + 11 for n in range(-200, 200)]
    await store.write("\n".join(f"tide,site={n % 2} v={n} {time_ns}" for n, time_ns in enumerate(times)).encode())
    selector = Selector("tide", "v", {"site": "1"})
    spans = [
        (-70 * DAY_NS, 70 * DAY_NS),
        (-70 * DAY_NS, -DAY_NS),
        (-70 * DAY_NS, 0),
        (-50 * DAY_NS - 7, 3 * DAY_NS),
    ]

    async def query() -> list[object]:
        answers: list[object] = []
        for start_ns, stop_ns in spans:
            answers.append(await store.counts(Selector("tide", "v"), start_ns=start_ns, stop_ns=stop_ns))
            for every_ns in (DAY_NS, 10 * DAY_NS):
                found = await store.bins(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=every_ns)
                [means] = await store.series(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=every_ns)
                answers += [found, list(means.times_ns), [round(one, 6) for one in means.values]]
        return answers

    before = await query()
    await set_up(store, (RollupTier(DAY_NS),))
    windows = await store.windows([selector], start_ns=spans[0][0], stop_ns=spans[0][1], every_ns=DAY_NS)
    assert windows is not None
    assert list(windows[0][1]) == before[1]
    assert before == await query()


async def test_texts_have_no_means_from_rollups_either(store: InfluxStore) -> None:
    await store.write(f'm s="a" {START}'.encode())
    await set_up(store)
    assert await store.bins(Selector("m", "s"), start_ns=START - S, stop_ns=NOW, every_ns=DAY_NS)
    with pytest.raises(StoreRefusedError):
        await store.series(Selector("m", "s"), start_ns=START - S, stop_ns=NOW, every_ns=DAY_NS)
