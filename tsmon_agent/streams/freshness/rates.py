"""How many data per second streams deliver, counted over windows that suit their expected rates."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from tsmon.availability.reported_bins import COUNT, selects_reported_bins
from tsmon.errors import StoreError
from tsmon.stores import Count, Selector, Store
from tsmon.time_units import HOUR_NS, MINUTE_NS, SECOND_NS
from tsmon_agent.streams.freshness.expectations import Expectation
from tsmon_agent.streams.inventory.series_index import SeriesIndex

__all__ = ["Rates", "choose_window_ns"]

PERIODS: Final = 20
"""How many expected periods a window spans at least, unless it is the longest."""

WINDOWS_NS: Final = tuple(seconds * SECOND_NS for seconds in (600, 3_600, 21_600, 86_400, 864_000))
REFRESHES_PER_WINDOW: Final = 5
"""How often rates are refreshed within the length of their window; each time costs as much as finding the ages."""


def choose_window_ns(expected_rate: float) -> int:
    """Choose the window in nanoseconds for a rate in Hz: ten minutes, one hour, six hours, a day, or ten days."""
    needed_ns = PERIODS / expected_rate * SECOND_NS
    return next((one for one in WINDOWS_NS if one >= needed_ns), WINDOWS_NS[-1])


class _RateQuery(NamedTuple):
    """A query to the store for the counts of all series of a field, over a window of ``length_ns``."""

    measurement: str
    field: str
    reported_bins: bool
    length_ns: int

    def window(self, now_ns: int) -> tuple[int, int]:
        """Start and end: the latest whole minutes, quarters of an hour, or hours, which rollups can answer."""
        every_ns = next(one for one in (HOUR_NS, 15 * MINUTE_NS, MINUTE_NS) if one <= self.length_ns // 10)
        stop_ns = now_ns // every_ns * every_ns
        return stop_ns - self.length_ns, stop_ns


@dataclass(slots=True)
class _Members:
    """The streams that a query serves: since when each is deployed, and which have a rate, since when."""

    selectors: dict[int, Selector]
    index: SeriesIndex
    since_ns: dict[int, int | None]
    refreshed_ns: int | None
    known: set[int]
    cost: int = 0

    def deployed(self, start_ns: int) -> set[int]:
        """Streams that have been deployed since this time."""
        return {stream for stream, since_ns in self.since_ns.items() if since_ns is None or since_ns <= start_ns}


_NONE: Final = _Members({}, SeriesIndex({}), {}, None, set())


class Rates:
    """Knows the recent rate, in Hz, of each stream that has an expected one.

    The store gets one query for each measurement, field and window. Of reported bins, it counts the data of those
    that begin within the window.
    """

    def __init__(self) -> None:
        self._rates: dict[int, float] = {}
        self._queries: dict[_RateQuery, _Members] = {}

    def of(self, stream: int) -> float | None:
        """Rate of a stream by its id; None if it is not known, or no rate is expected."""
        return self._rates.get(stream)

    def expect(self, expectations: Mapping[int, Expectation]) -> None:
        """Replace the expectations, by the ids of the streams; known rates are kept."""
        selectors: dict[_RateQuery, dict[int, Selector]] = {}
        for stream, one in expectations.items():
            if one.tracked and one.rate is not None:
                reported_bins = selects_reported_bins(one.selector)
                name = COUNT if reported_bins else one.selector.field
                query = _RateQuery(one.selector.measurement, name, reported_bins, choose_window_ns(one.rate))
                selectors.setdefault(query, {})[stream] = one.selector
        before, self._queries = self._queries, {}
        costs: dict[tuple[str, str], int] = {}
        for query, chosen in selectors.items():
            since_ns = {stream: expectations[stream].since_ns for stream in chosen}
            old = before.get(query, _NONE)
            known = {stream for stream in old.known if chosen.get(stream) == old.selectors[stream]}
            self._queries[query] = _Members(chosen, SeriesIndex(chosen), since_ns, old.refreshed_ns, known)
            # The store answers for all series of the field, whichever window their own rates are counted over.
            costs[query[:2]] = costs.get(query[:2], 0) + len(chosen)
        for query, members in self._queries.items():
            members.cost = costs[query[:2]]
        known = {stream for members in self._queries.values() for stream in members.known}
        self._rates = {stream: rate for stream, rate in self._rates.items() if stream in known}

    async def refresh(self, store: Store, now_ns: int, most: int | None = None) -> StoreError | None:
        """Run the queries that are due; returns the last error of the store, if there was one.

        ``most`` limits how many streams' data are counted, except that one query always runs: the one that has
        waited longest in proportion to its window. A stream that has been deployed for less than its window has no
        rate yet, and one whose query fails has none until the query is due again.
        """
        failed = None
        due = []
        for query, members in self._queries.items():
            wanted = members.deployed(query.window(now_ns)[0])
            for stream in members.known - wanted:
                self._rates.pop(stream, None)
            members.known &= wanted
            if members.refreshed_ns is None:
                urgency = math.inf
            else:
                urgency = (now_ns - members.refreshed_ns) / (query.length_ns // REFRESHES_PER_WINDOW)
            if members.known != wanted or not 0 <= urgency < 1:
                due.append((-urgency, query.length_ns, query))
        total = 0
        for _, _, query in sorted(due):
            cost = self._queries[query].cost
            total += cost
            if most is not None and total > max(most, cost):
                break
            try:
                await self._run(store, query, now_ns)
            except StoreError as error:
                failed = error
        return failed

    async def _run(self, store: Store, query: _RateQuery, now_ns: int) -> None:
        members = self._queries[query]
        start_ns, stop_ns = query.window(now_ns)
        selector = Selector(query.measurement, query.field)
        members.refreshed_ns, members.known = now_ns, members.deployed(start_ns)
        for stream in members.known:
            self._rates.pop(stream, None)
        count = _count_data_of_bins if query.reported_bins else _count_data
        counts = members.index.sum_counts(await count(store, selector, start_ns, stop_ns))
        seconds = query.length_ns / SECOND_NS
        for stream in members.known:
            self._rates[stream] = counts.get(stream, 0) / seconds


async def _count_data(store: Store, selector: Selector, start_ns: int, stop_ns: int) -> Sequence[Count]:
    return await store.counts(selector, start_ns=start_ns, stop_ns=stop_ns)


async def _count_data_of_bins(store: Store, selector: Selector, start_ns: int, stop_ns: int) -> Sequence[Count]:
    found = await store.values(selector, start_ns=start_ns, stop_ns=stop_ns)
    return [Count(one.tags, sum(_numbers(one.values))) for one in found]


def _numbers(values: Iterable[object]) -> Iterable[int]:
    return (int(value) for value in values if isinstance(value, int | float))
