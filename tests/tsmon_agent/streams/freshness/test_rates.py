"""Rates of streams, on every store."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.services.every_store import store
from tests.services.own_store import OwnStore
from tests.tsmon_agent.streams.freshness.test_watch import NOW, S, write
from tsmon.errors import StoreUnavailableError
from tsmon.line_protocol import encode
from tsmon.points import StreamBin
from tsmon.stores import Count, Newest, Selector, Store, Values
from tsmon_agent.settings import Settings
from tsmon_agent.state import LastKnownFreshness, State
from tsmon_agent.streams.freshness import FreshnessWatch
from tsmon_agent.streams.freshness.rates import choose_window_ns
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

__all__ = ["store"]

WINDOWS = ((0, 600), (1, 3_600), (2, 21_600), (3, 86_400), (4, 864_000))
EXPECTED = """reference designator,method,stream,rate,warn,fail,selector
A-1,streamed,ctd,1,60,600,"ctd,site=a value"
A-1,streamed,slow,0.01,600,6000,"slow,site=a value"
A-1,streamed,free,,60,600,"ctd,site=a value"
A-2,recovered,ctd,0.1,60,600,stream_bins
A-3,streamed,new,1,60,600,"ctd,site=a value"
A-4,streamed,none,1,60,600,"ctd,site=none value"
"""


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with State(tmp_path / "state.db") as opened:
        rows = parse_stream_csv(EXPECTED, Settings(), source="expected")
        await opened.run(lambda session: load_streams(session, rows))
        start = (NOW - 300 * S) // S
        deployed = parse_deployment_csv(f"A-3,1,{start},\nA-1,1,2000-01-01,\n", source="deployed")
        await opened.run(lambda session: load_deployments(session, deployed))
        yield opened


def rates(watch: FreshnessWatch) -> dict[str, tuple[float | None, float | None]]:
    return {f"{one.reference_designator} {one.stream}": (one.rate, one.expected_rate) for one in watch.streams}


async def test_rates_are_those_of_windows_that_suit_the_stream(store: Store, state: State) -> None:
    lines = [f"ctd,site=a,n={n % 2} value=1 {NOW - n * 2 * S}" for n in range(1, 400)]
    lines += [f"slow,site=a value=1 {NOW - n * 200 * S}" for n in range(1, 100)]
    lines.append(
        encode(
            StreamBin(
                reference_designator="A-2", method="recovered", stream="ctd", time=NOW - 300 * S, length=S, count=90
            )
        ).decode()
    )
    await write(store, *lines, f"ctd,site=a value=1 {NOW}", f"ctd,site=a value=1 {NOW + S}")
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    assert rates(watch) == {
        "A-1 ctd": (0.5, 1.0),
        "A-1 free": (None, None),
        "A-1 slow": (18 / 3600, 0.01),
        "A-2 ctd": (0.15, 0.1),
        "A-3 new": (None, 1.0),
        "A-4 none": (0.0, 1.0),
    }


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [(1e3, 600), (1 / 30, 600), (1 / 31, 3_600), (1 / 181, 21_600), (1 / 1081, 86_400), (1e-9, 864_000)],
)  # fmt: skip
def test_a_window_spans_twenty_expected_periods_if_there_is_one_so_long(rate: float, seconds: int) -> None:
    assert choose_window_ns(rate) == seconds * S


async def test_the_state_remembers_the_rate_of_a_stream_that_changed(state: State) -> None:
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(AnsweringStore([Newest({"site": "a"}, NOW - 100 * S, 1.0)], [Count({"site": "a"}, 60)]), NOW)
    found = await state.run(lambda session: {one.rate for one in session.query(LastKnownFreshness)})
    assert 0.1 in found


class AnsweringStore(OwnStore):
    """Returns the same answers to every query, and records the queries for counts."""

    def __init__(self, newest: Sequence[Newest] = (), counts: Sequence[Count] = ()) -> None:
        super().__init__()
        self._newest, self._counts = list(newest), list(counts)
        self.queried: list[tuple[str, int]] = []

    async def newest(self, selector: Selector) -> list[Newest]:
        return self._newest

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        self.queried.append((selector.measurement, (stop_ns - start_ns) // S))
        return self._counts

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        return []


async def test_windows_are_queried_periodically_and_rates_last_until_then(state: State) -> None:
    store = AnsweringStore(counts=[Count({"site": "a"}, 600)])
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    assert store.queried == [("ctd", 600), ("slow", 3600)]
    for minutes in range(1, 13):
        await watch.update(store, NOW + minutes * 60 * S)
        assert rates(watch)["A-1 ctd"] == (1.0, 1.0)
    assert store.queried[2:].count(("ctd", 600)) <= 6
    assert store.queried[2:].count(("slow", 3600)) == 1


async def test_the_rate_of_a_new_stream_is_queried_at_once(state: State) -> None:
    store = AnsweringStore(counts=[Count({"site": "b"}, 60)])
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    rows = parse_stream_csv('B-1,streamed,ctd,1,60,600,"ctd,site=b value"\n', Settings(), source="expected")
    await state.run(lambda session: load_streams(session, rows))
    await watch.update(store, NOW + S)
    assert rates(watch)["B-1 ctd"] == (0.1, 1.0)


async def test_the_rate_of_a_changed_selector_is_queried_again(state: State) -> None:
    store = AnsweringStore(counts=[Count({"site": "a"}, 600), Count({"site": "b"}, 300)])
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    rows = parse_stream_csv('A-1,streamed,ctd,1,60,600,"ctd,site=b value"\n', Settings(), source="expected")
    await state.run(lambda session: load_streams(session, rows))
    await watch.update(store, NOW + S)
    assert rates(watch)["A-1 ctd"] == (0.5, 1.0)
    assert store.queried == [("ctd", 600), ("slow", 3600), ("ctd", 600)]


class SlowStore(AnsweringStore):
    """Answers no query over long windows, like a server that takes too long."""

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        found = await super().counts(selector, start_ns=start_ns, stop_ns=stop_ns)
        if stop_ns - start_ns > 600 * S:
            raise StoreUnavailableError("it took too long")
        return found


async def test_a_query_that_fails_leaves_the_others_and_waits_for_its_next_turn(state: State) -> None:
    store = SlowStore([Newest({"site": "a"}, NOW, 1.0)], [Count({"site": "a"}, 600)])
    watch = FreshnessWatch(state, 900 * S)
    await watch.update(store, NOW)
    assert str(watch.rates_error) == "it took too long"
    assert rates(watch)["A-1 ctd"] == (1.0, 1.0)
    assert rates(watch)["A-1 slow"] == (None, 0.01)
    assert {one.status.label for one in watch.streams if one.stream in ("ctd", "slow")} >= {"operational"}
    await watch.update(store, NOW + 60 * S)
    assert watch.rates_error is None
    assert store.queried.count(("slow", 3600)) == 1
    await watch.update(store, NOW + 720 * S)
    assert store.queried.count(("slow", 3600)) == 2


EACH_WINDOW = "".join(f'R-{n},streamed,ctd,{20 / seconds},,,"ctd,n={n} value"\n' for n, seconds in WINDOWS)
"""A stream for each window, all of one field."""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[State]:
    async with State(tmp_path / "fleet.db") as opened:
        rows = parse_stream_csv(EACH_WINDOW, Settings(), source="expected")
        await opened.run(lambda session: load_streams(session, rows))
        yield opened


async def test_a_round_counts_up_to_its_limit_the_shortest_window_first(fleet: State) -> None:
    store = AnsweringStore()
    watch = FreshnessWatch(fleet, 900 * S)
    for minute, queried in enumerate(([600], [3600], [21_600], [86_400], [864_000], [600], [], [600])):
        store.queried.clear()
        await watch.update(store, NOW + minute * 60 * S, most_rates=5)
        assert [seconds for _, seconds in store.queried] == queried, minute
    store.queried.clear()
    await watch.update(store, NOW + 30 * 60 * S, most_rates=10)
    assert [seconds for _, seconds in store.queried] == [600, 3600], "two times five streams"
    store.queried.clear()
    await FreshnessWatch(fleet, 900 * S).update(store, NOW, most_rates=None)
    assert [seconds for _, seconds in store.queried] == [600, 3600, 21_600, 86_400, 864_000]


async def test_a_window_that_has_to_wait_is_queried_in_the_end(fleet: State) -> None:
    """Although ten minutes are due every other round, and each round has a new stream."""
    store = AnsweringStore()
    watch = FreshnessWatch(fleet, 900 * S)
    for minute in range(200):
        rows = parse_stream_csv(f'N-{minute},s,t,1,,,"ctd,n=1 value"\n', Settings(), source="expected")
        await fleet.run(lambda session, rows=rows: load_streams(session, rows))
        await watch.update(store, NOW + minute * 60 * S, most_rates=1)
    queried = [seconds for _, seconds in store.queried]
    assert queried.count(3600) >= 200 // 12
    assert queried.count(21_600) >= 200 // 72
    assert {86_400, 864_000} < set(queried)


@pytest.mark.parametrize("seconds", [600, 3_600, 21_600, 86_400, 864_000])
async def test_windows_end_at_the_edges_of_rollups(fleet: State, seconds: int) -> None:
    spans: list[tuple[int, int]] = []

    class RecordingStore(AnsweringStore):
        async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
            spans.append((start_ns // S, stop_ns // S))
            return []

    await FreshnessWatch(fleet, 900 * S).update(RecordingStore(), NOW + 12_345)
    [(start, stop)] = [(start, stop) for start, stop in spans if stop - start == seconds]
    assert start % 60 == stop % 60 == 0
    assert 0 <= NOW // S - stop < min(3600, seconds // 10)
