"""Windows of many streams from one query: reports equal those of single queries."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import groupby, product
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.availability import EXACT, Category, Deployment, MinWindowWidths, Report
from tsmon.line_protocol.escaping import escape_tag
from tsmon.stores import Bin, Selector, Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollup_tasks import find_changes
from tsmon.stores.memory import MemoryStore
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS
from tsmon_agent.streams.availability import instrument as instrument_module
from tsmon_agent.streams.availability.instrument import Instrument, ObservedStream, compute_reports
from tsmon_agent.streams.availability.shared_windows import query_windows

S = 1_000_000_000
START = 1_700_000_000 // 86_400 * DAY_NS
NOW = START + 90 * DAY_NS
NAMES = ("plain", "in, two", 'quo"ted', "a=b c", "none")
ODD = ("", "a", "A b", "a,b", "a=", "a-b", 'q"', "é", "\U0001f300", "\ufffd", "10", "9")
DAYS = MinWindowWidths(DAY_NS, DAY_NS)


def lines() -> list[str]:
    """Each stream has an outage of its own; the second has two series, which overlap."""
    found = []
    for number, name in enumerate(NAMES[:-1]):
        tag = name.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
        for hour in range(90 * 24):
            if 10 + number * 5 <= hour // 24 < 14 + number * 7:
                continue
            host = f",host=h{hour % 2}" if number == 1 else ""
            found.append(f"m,name={tag}{host} v={hour} {START + hour * 3600 * S + 7}")
    return found


def instrument() -> Instrument:
    streams = [ObservedStream("m", name, Selector("m", "v", {"name": name}), EXACT) for name in NAMES]
    # Edges within days: windows that cross them count on both sides.
    deployments = [
        Deployment(1, START + 3 * DAY_NS + 5 * S, START + 40 * DAY_NS + 9_000 * S),
        Deployment(2, START + 40 * DAY_NS + 40_000 * S),
    ]
    return Instrument("A", deployments, streams)


async def reports(store: Store, min_widths: MinWindowWidths = DAYS) -> list[Report]:
    return await compute_reports(store, instrument(), now_ns=NOW, min_widths=min_widths)


@pytest.fixture
async def store(influxdb: InfluxDB, bucket: str) -> AsyncIterator[InfluxStore]:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as opened:
        await opened.write("\n".join(lines()).encode())
        for change in await find_changes(opened, (RollupTier(DAY_NS),)):
            await change.apply(lambda *_: None)
        yield opened


async def test_reports_equal_those_of_single_queries_and_of_the_other_stores(
    store: InfluxStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = 0
    windows = InfluxStore.windows

    async def counted(self: InfluxStore, selectors: Sequence[Selector], **times: int) -> object:
        nonlocal queries
        queries += 1
        return await windows(self, selectors, **times)

    async def none(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(InfluxStore, "windows", counted)
    together = await reports(store)
    assert queries == 1
    monkeypatch.setattr(instrument_module, "GROUP_SIZES", (2, 3))
    assert together == await reports(store)
    assert queries == 3
    monkeypatch.setattr(InfluxStore, "windows", none)
    assert together == await reports(store)
    async with MemoryStore() as other:
        await other.write("\n".join(lines()).encode())
        assert together == await reports(other)
    async with SqliteStore(tmp_path / "tsmon.db", tiers=(RollupTier(DAY_NS),)) as embedded:
        await embedded.write("\n".join(lines()).encode())
        await embedded.refresh_rollups()
        selectors = [one.selector for one in instrument().streams]
        assert None not in await query_windows(embedded, selectors, DAYS)
        assert together == await reports(embedded)
    assert {one.category for one in together[0].intervals} >= {Category.PRESENT, Category.MISSING}
    assert [one.category for one in together[-1].intervals] == [
        Category.MISSING,
        Category.NOT_EXPECTED,
        Category.MISSING,
    ]


async def test_late_points_before_and_after_the_rollups_count(store: InfluxStore) -> None:
    late = [START - 20 * DAY_NS, store_time(store)]
    await store.write("\n".join(f"m,name=plain v=1 {time_ns}" for time_ns in late).encode())
    found = await query_windows(store, [Selector("m", "v", {"name": name}) for name in NAMES], DAYS)
    plain = found[0]
    assert plain is not None
    assert (plain[0].first_ns, plain[-1].last_ns) == (late[0], late[1])
    assert found[-1] == []
    assert None not in found


async def test_series_are_distinguished_whatever_their_tags(influxdb: InfluxDB, bucket: str) -> None:
    """Numbers follow the order in which the server reads series, which is not that of its answer."""
    draw = random.Random(3)
    tag_sets = [{key: one for key, one in zip("abz", tags, strict=True) if one} for tags in product(ODD, repeat=3)]
    points = [
        f"m{''.join(f',{key}={escape_tag(one)}' for key, one in tags.items())} v=1 {START + at_ns}"
        for tags in tag_sets
        for at_ns in draw.sample(range(5 * DAY_NS), 4)
    ]
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as opened:
        await opened.write("\n".join(points).encode())
        for change in await find_changes(opened, (RollupTier(DAY_NS),)):
            await change.apply(lambda *_: None)
        answer = await opened.windows([Selector("m", "v")], start_ns=START, stop_ns=NOW, every_ns=DAY_NS)
        assert answer is not None
        known = await opened.values(Selector("m", "v"), start_ns=START, stop_ns=NOW)
    assert len(known) == len(tag_sets)
    assert {key_of(tags): edges(bins) for tags, bins in answer} == {
        key_of(one.tags): edges_of_days(one.times_ns) for one in known
    }


def key_of(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(tags.items()))


def edges(bins: Sequence[Bin]) -> list[tuple[int, int, int]]:
    return [(one.first_ns, one.last_ns, one.count) for one in bins]


def edges_of_days(times_ns: Sequence[int]) -> list[tuple[int, int, int]]:
    days = [list(group) for _, group in groupby(times_ns, key=lambda time_ns: time_ns // DAY_NS)]
    return [(times[0], times[-1], len(times)) for times in days]


def store_time(store: InfluxStore) -> int:
    """A time after everything that is rolled up."""
    return max(one.until_ns for one in store.rollups._known) + 5 * S if store.rollups._known else 4 * 10**18


async def test_what_has_no_such_rollups_is_queried_singly(influxdb: InfluxDB, bucket: str) -> None:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    selectors = [Selector("m", "v", {"name": name}) for name in NAMES]
    async with InfluxStore(connection) as opened:
        await opened.write("\n".join(lines()).encode())
        assert await query_windows(opened, selectors, DAYS) == [None] * len(NAMES)
    async with MemoryStore() as other:
        assert await query_windows(other, selectors, DAYS) == [None] * len(NAMES)


async def test_different_widths_inside_and_outside_are_queried_singly() -> None:
    class Never(MemoryStore):
        async def windows(self, *_: object, **__: object) -> list[tuple[Mapping[str, str], list[Bin]]] | None:
            raise AssertionError("nobody is to ask")

    selectors = [Selector("m", "v", {"name": name}) for name in NAMES]
    async with Never() as store:
        assert await query_windows(store, selectors, MinWindowWidths(DAY_NS // 4, DAY_NS)) == [None] * len(NAMES)
        assert await query_windows(store, selectors, MinWindowWidths()) == [None] * len(NAMES)
