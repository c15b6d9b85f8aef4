"""Rounds over expected streams, on every store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.every_store import store
from tests.services.own_store import OwnStore
from tsmon.errors import StoreUnavailableError
from tsmon.line_protocol import encode
from tsmon.points import StreamBin
from tsmon.stores import Count, Newest, Selector, Store, Values
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.streams.freshness import FreshnessStatus, FreshnessWatch
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

__all__ = ["store"]

S = 1_000_000_000
NOW = 1_700_000_000 * S
EXPECTED = """reference designator,method,stream,rate,warn,fail,selector
A-1,streamed,ctd,1,60,600,
A-1,streamed,par,1,60,600,"par,site=A value"
A-2,recovered,ctd,1,60,600,stream_bins
B-1,streamed,ctd,1,,,
B-2,streamed,ctd,1,60,600,
C-1,streamed,flow,1,60,600,"flow,host=c1 v"
C-2,streamed,flow,1,60,600,"flow,host=c2 v"
"""


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with State(tmp_path / "state.db") as opened:
        rows = parse_stream_csv(EXPECTED, Settings(), source="expected")
        await opened.run(lambda session: load_streams(session, rows))
        yield opened


async def write(store: Store, *lines: str) -> None:
    await store.write("\n".join(lines).encode())


def statuses(watch: FreshnessWatch) -> dict[tuple[str, str], str]:
    return {(one.reference_designator, one.stream): one.status.label for one in watch.streams}


async def filled(store: Store) -> None:
    await write(
        store,
        f"ctd,reference_designator=A-1,method=streamed value=1 {NOW - 60 * S}",
        f"ctd,reference_designator=A-1,method=streamed,x=y value=1 {NOW - 900 * S}",
        f"par,site=A,more=z value=1 {NOW - 61 * S}",
        f"ctd,reference_designator=B-1,method=streamed value=1 {NOW - 10_000 * S}",
        f"flow,host=c1 v=1 {NOW - 700 * S}",
        f"flow,host=c2 v=1 {NOW - 7000 * S}",
        encode(
            StreamBin(
                reference_designator="A-2",
                method="recovered",
                stream="ctd",
                time=NOW - 5_000 * S,
                length=4_950 * S,
                count=9,
            )
        ).decode(),
    )


async def test_every_stream_has_its_status_and_groups_take_their_worst(store: Store, state: State) -> None:
    await filled(store)
    watch = FreshnessWatch(state, 900 * S)
    changed = await watch.update(store, NOW)
    assert statuses(watch) == {
        ("A-1", "ctd"): "operational",
        ("A-1", "par"): "degraded",
        ("A-2", "ctd"): "operational",
        ("B-1", "ctd"): "not tracked",
        ("B-2", "ctd"): "failed",
        ("C-1", "flow"): "failed",
        ("C-2", "flow"): "silent host",
    }
    assert watch.worst_by_instrument()["A-1"] is FreshnessStatus.DEGRADED
    assert watch.worst_by_site() == {
        "A": FreshnessStatus.DEGRADED,
        "B": FreshnessStatus.FAILED,
        "C": FreshnessStatus.SILENT_HOST,
    }
    assert [one.status.label for one in changed] == ["degraded", "failed", "failed", "silent host"]
    [newest] = [one for one in watch.streams if one.reference_designator == "A-2"]
    assert (newest.newest_ns, newest.age_ns) == (NOW - 50 * S, 50 * S)


async def test_only_changes_are_reported_also_after_a_restart(store: Store, state: State) -> None:
    await filled(store)
    await FreshnessWatch(state, 900 * S).update(store, NOW)
    watch = FreshnessWatch(state, 900 * S)
    assert await watch.update(store, NOW) == []
    ctd = f"ctd,reference_designator=A-1,method=streamed value=1 {NOW + 5 * S}"
    await write(store, f"par,site=A value=2 {NOW + 5 * S}", ctd)
    [change] = await watch.update(store, NOW + 1 * S)
    assert (change.stream, change.status, change.since_ns, change.age_ns) == (
        "par",
        FreshnessStatus.OPERATIONAL,
        NOW + S,
        0,
    )
    assert await watch.update(store, NOW + 2 * S) == []
    [same] = [one for one in watch.streams if one.stream == "par"]
    assert same.since_ns == NOW + S


async def test_an_instrument_that_is_not_deployed_is_not_tracked(store: Store, state: State) -> None:
    rows = parse_deployment_csv("B-2,1,2020-01-01,2021-01-01\nC-1,1,2020-01-01,\n", source="deployments")
    await state.run(lambda session: load_deployments(session, rows))
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    assert statuses(watch)["B-2", "ctd"] == "not tracked"
    assert statuses(watch)["C-1", "flow"] == "failed"


async def test_a_store_that_does_not_answer_changes_nothing(state: State) -> None:
    class Away(OwnStore):
        async def newest(self, selector: Selector) -> list[Newest]:
            raise StoreUnavailableError("away")

    watch = FreshnessWatch(state, 900 * S)
    with pytest.raises(StoreUnavailableError):
        await watch.update(Away(), NOW)
    assert watch.streams == []


async def test_one_query_for_each_measurement_and_field(state: State) -> None:
    queried: list[Selector] = []

    class Asked(OwnStore):
        async def newest(self, selector: Selector) -> list[Newest]:
            queried.append(selector)
            return []

        async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
            return []

        async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
            return []

    await FreshnessWatch(state, 900 * S).update(Asked(), NOW)
    assert sorted((one.measurement, one.field) for one in queried) == [
        ("ctd", "value"),
        ("flow", "v"),
        ("par", "value"),
        ("stream_bins", "length"),
    ]
