"""Expectations of streams from every database, and what a watch remembers there."""

from collections.abc import AsyncIterator

import pytest

from tests.services.every_database import state_url
from tests.services.own_store import OwnStore
from tsmon.stores import Newest, Selector, Values
from tsmon_agent.settings import Settings
from tsmon_agent.state import State
from tsmon_agent.streams.freshness import FreshnessWatch
from tsmon_agent.streams.freshness.expectations import build_expectations, query_rows
from tsmon_agent.streams.inventory import (
    load_deployments,
    load_streams,
    parse_deployment_csv,
    parse_stream_csv,
    remove_streams,
    set_enabled,
)

__all__ = ["state_url"]

S = 1_000_000_000
EXPECTED = """B-1,streamed,ctd,1,60,600
A-1,streamed,ctd,0.1,,,"m,a=ä,ß=x\\ y f"
A-1,recovered,ctd,,1.5,3
"""
DEPLOYED = """A-1,1,1970-01-01T00:01:40,1970-01-01T00:03:20
A-1,2,1970-01-01T00:05:00,
A-1,3,1970-01-01T00:05:50,1970-01-01T00:06:40
C-9,1,1970-01-01,
"""


@pytest.fixture
async def state(state_url: str) -> AsyncIterator[State]:
    async with State(state_url) as opened:
        rows = parse_stream_csv(EXPECTED, Settings(), source="expected")
        await opened.run(lambda session: load_streams(session, rows))
        deployed = parse_deployment_csv(DEPLOYED, source="deployed")
        await opened.run(lambda session: load_deployments(session, deployed))
        yield opened


async def test_streams_are_in_order_of_their_names_with_selectors_and_limits(state: State) -> None:
    rows, known = await state.run(lambda session: query_rows(session, 150 * S))
    found = list(build_expectations(rows).values())
    assert known == {}
    assert [(one.names[:2], one.selector, one.warn_ns, one.fail_ns, one.rate) for one in found] == [
        (
            ("A-1", "recovered"),
            Selector("ctd", "value", {"reference_designator": "A-1", "method": "recovered"}),
            1_500_000_000,
            3 * S,
            None,
        ),
        (("A-1", "streamed"), Selector("m", "f", {"a": "ä", "ß": "x y"}), None, None, 0.1),
        (
            ("B-1", "streamed"),
            Selector("ctd", "value", {"reference_designator": "B-1", "method": "streamed"}),
            60 * S,
            600 * S,
            1.0,
        ),
    ]


@pytest.mark.parametrize(
    ("now_s", "since_s"),
    [(99, None), (100, 100), (199, 100), (200, None), (299, None), (300, 300), (360, 300), (400, 300)],
)
async def test_an_instrument_is_tracked_while_it_is_deployed(state: State, now_s: int, since_s: int | None) -> None:
    rows, _ = await state.run(lambda session: query_rows(session, now_s * S))
    found = {one.names: (one.tracked, one.since_ns) for one in build_expectations(rows).values()}
    since_ns = None if since_s is None else since_s * S
    assert found["A-1", "streamed", "ctd"] == (since_ns is not None, since_ns)
    assert found["B-1", "streamed", "ctd"] == (True, None), "no deployment is known of it"


async def test_rows_differ_where_something_else_is_expected_and_only_there(state: State) -> None:
    async def rows(now_s: int) -> object:
        return (await state.run(lambda session: query_rows(session, now_s * S)))[0]

    assert await rows(310) == await rows(340)
    assert await rows(290) != await rows(310)
    before = await rows(310)
    await state.run(lambda session: set_enabled(session, "B-1", enabled=False))
    switched = await rows(310)
    assert switched != before
    await state.run(lambda session: remove_streams(session, "B-1"))
    assert await rows(310) not in (before, switched)


class AnsweringStore(OwnStore):
    """Returns the newest datum of one stream."""

    def __init__(self, time_ns: int) -> None:
        super().__init__()
        self.time_ns = time_ns

    async def newest(self, selector: Selector) -> list[Newest]:
        tags = {"reference_designator": "B-1", "method": "streamed"}
        return [Newest(tags, self.time_ns, 1.0)] if selector.measurement == "ctd" else []

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        return []


async def test_another_watch_continues_with_what_is_remembered(state: State) -> None:
    store = AnsweringStore(1000 * S)
    await FreshnessWatch(state, 900 * S).update(store, 1010 * S)
    watch = FreshnessWatch(state, 900 * S)
    assert await watch.update(store, 1050 * S) == [], "nothing has changed"
    assert [one.since_ns for one in watch.streams] == [1010 * S] * 3
    [changed] = await watch.update(store, 1100 * S)
    assert (changed.status.label, changed.since_ns) == ("degraded", 1100 * S)
    _, known = await state.run(lambda session: query_rows(session, 0))
    assert sorted(known.values()) == [("DEGRADED", 1100 * S), ("FAILED", 1010 * S), ("NOT_TRACKED", 1010 * S)]
    [again] = await FreshnessWatch(state, 900 * S).update(AnsweringStore(1190 * S), 1200 * S)
    assert again.status.label == "operational"


async def test_a_stream_that_is_removed_during_a_round_is_not_remembered(state: State) -> None:
    class Slow(AnsweringStore):
        async def newest(self, selector: Selector) -> list[Newest]:
            await state.run(
                lambda session: remove_streams(session, "B-1") if selector.measurement == "ctd" else None
            )
            return await super().newest(selector)

    await FreshnessWatch(state, 900 * S).update(Slow(1000 * S), 1010 * S)
    _, known = await state.run(lambda session: query_rows(session, 0))
    assert len(known) == 2
