"""Windows of many streams by one question: reports are those of a question for each."""

from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.availability import EXACT, Category, Deployment, Narrowest, Report
from tsmon.stores import Bin, Selector, Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollups import changes_needed
from tsmon.stores.memory import MemoryStore
from tsmon.stores.rungs import DAY_NS, Rung
from tsmon_agent.instruments import Instrument, ObservedStream, reports_of
from tsmon_agent.stream_windows import windows_of

S = 1_000_000_000
START = 1_700_000_000 // 86_400 * DAY_NS
NOW = START + 90 * DAY_NS
NAMES = ("plain", "in, two", 'quo"ted', "a=b c", "none")
DAYS = Narrowest(DAY_NS, DAY_NS)


def lines() -> list[str]:
    """A stream each with an outage of its own; the second is of two series, which overlap."""
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


async def reports(store: Store, narrowest: Narrowest = DAYS) -> list[Report]:
    return await reports_of(store, instrument(), now_ns=NOW, narrowest=narrowest)


@pytest.fixture
async def store(influxdb: InfluxDB, bucket: str) -> AsyncIterator[InfluxStore]:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as opened:
        await opened.write("\n".join(lines()).encode())
        for change in await changes_needed(opened, (Rung(DAY_NS),)):
            await change.apply(lambda *_: None)
        yield opened


async def test_reports_are_those_of_single_questions_and_of_the_other_store(
    store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    windows = InfluxStore.windows

    async def counted(self: InfluxStore, selectors: Sequence[Selector], **times: int) -> object:
        nonlocal asked
        asked += 1
        return await windows(self, selectors, **times)

    async def none(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(InfluxStore, "windows", counted)
    together = await reports(store)
    assert asked == 1
    monkeypatch.setattr(InfluxStore, "windows", none)
    assert together == await reports(store)
    async with MemoryStore() as other:
        await other.write("\n".join(lines()).encode())
        assert together == await reports(other)
    assert {one.category for one in together[0].intervals} >= {Category.PRESENT, Category.MISSING}
    assert [one.category for one in together[-1].intervals] == [
        Category.MISSING,
        Category.NOT_EXPECTED,
        Category.MISSING,
    ]


async def test_late_points_before_and_behind_the_rollups_are_there(store: InfluxStore) -> None:
    late = [START - 20 * DAY_NS, store_time(store)]
    await store.write("\n".join(f"m,name=plain v=1 {time_ns}" for time_ns in late).encode())
    found = await windows_of(store, [Selector("m", "v", {"name": name}) for name in NAMES], DAYS)
    plain = found[0]
    assert plain is not None
    assert (plain[0].first_ns, plain[-1].last_ns) == (late[0], late[1])
    assert found[-1] == []
    assert None not in found


def store_time(store: InfluxStore) -> int:
    """A time behind all that is rolled up."""
    return max(one.until_ns for one in store.rollups._known) + 5 * S if store.rollups._known else 4 * 10**18


async def test_what_is_not_rolled_up_so_is_asked_for_singly(influxdb: InfluxDB, bucket: str) -> None:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    selectors = [Selector("m", "v", {"name": name}) for name in NAMES]
    async with InfluxStore(connection) as opened:
        await opened.write("\n".join(lines()).encode())
        assert await windows_of(opened, selectors, DAYS) == [None] * len(NAMES)
    async with MemoryStore() as other:
        assert await windows_of(other, selectors, DAYS) == [None] * len(NAMES)


async def test_other_widths_inside_and_outside_are_asked_for_singly() -> None:
    class Never(MemoryStore):
        async def windows(self, *_: object, **__: object) -> list[tuple[Mapping[str, str], list[Bin]]] | None:
            raise AssertionError("nobody is to ask")

    selectors = [Selector("m", "v", {"name": name}) for name in NAMES]
    async with Never() as store:
        assert await windows_of(store, selectors, Narrowest(DAY_NS // 4, DAY_NS)) == [None] * len(NAMES)
        assert await windows_of(store, selectors, Narrowest()) == [None] * len(NAMES)
