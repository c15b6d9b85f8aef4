"""How many data streams deliver a second, over windows that suit what is expected of them."""

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
"""A rate is told from at least so many expected periods, or from the longest window."""

WINDOWS_NS: Final = tuple(seconds * SECOND_NS for seconds in (600, 3_600, 21_600, 86_400, 864_000))
AGAIN: Final = 5
"""So many times in the length of a window is it looked at again; each time costs as much as a look at ages."""


def choose_window_ns(expected_rate: float) -> int:
    """Window in nanoseconds for a stream with this rate in Hz: ten minutes, an hour, six, a day, or ten days."""
    needed_ns = PERIODS / expected_rate * SECOND_NS
    return next((one for one in WINDOWS_NS if one >= needed_ns), WINDOWS_NS[-1])


class _Question(NamedTuple):
    """One question to the store, over a window of ``length_ns``, for all series of a field."""

    measurement: str
    field: str
    given: bool
    length_ns: int

    def window(self, now_ns: int) -> tuple[int, int]:
        """Start and end: the last whole minutes, quarters of an hour, or hours, of which there are rollups."""
        every_ns = next(one for one in (HOUR_NS, 15 * MINUTE_NS, MINUTE_NS) if one <= self.length_ns // 10)
        stop_ns = now_ns // every_ns * every_ns
        return stop_ns - self.length_ns, stop_ns


@dataclass(slots=True)
class _Asked:
    """Whom a question is asked for: streams, since when each is deployed; when it was asked last, and for whom."""

    selectors: dict[int, Selector]
    index: SeriesIndex
    since_ns: dict[int, int | None]
    looked_ns: int | None
    known: set[int]
    cost: int = 0

    def deployed(self, start_ns: int) -> set[int]:
        """Streams that should have delivered since then."""
        return {stream for stream, since_ns in self.since_ns.items() if since_ns is None or since_ns <= start_ns}


_NEVER: Final = _Asked({}, SeriesIndex({}), {}, None, set())


class Rates:
    """Knows the rate of each stream that has an expected one, in Hz, as of some time ago.

    One question to the store for each measurement, field and window. Of bins that are given the data in those
    that begin within the window are counted.
    """

    def __init__(self) -> None:
        self._rates: dict[int, float] = {}
        self._questions: dict[_Question, _Asked] = {}

    def of(self, stream: int) -> float | None:
        """Rate of a stream by its id; None where it is not known, or nothing is expected."""
        return self._rates.get(stream)

    def expect(self, expected: Mapping[int, Expectation]) -> None:
        """These streams from now on, by their ids; what is known of them stays known."""
        selectors: dict[_Question, dict[int, Selector]] = {}
        for stream, one in expected.items():
            if one.tracked and one.rate is not None:
                given = selects_reported_bins(one.selector)
                name = COUNT if given else one.selector.field
                question = _Question(one.selector.measurement, name, given, choose_window_ns(one.rate))
                selectors.setdefault(question, {})[stream] = one.selector
        before, self._questions = self._questions, {}
        costs: dict[tuple[str, str], int] = {}
        for question, chosen in selectors.items():
            since_ns = {stream: expected[stream].since_ns for stream in chosen}
            old = before.get(question, _NEVER)
            known = {stream for stream in old.known if chosen.get(stream) == old.selectors[stream]}
            self._questions[question] = _Asked(chosen, SeriesIndex(chosen), since_ns, old.looked_ns, known)
            # Answered are all series of the field, whichever window their own rate is told from.
            costs[question[:2]] = costs.get(question[:2], 0) + len(chosen)
        for question, asked in self._questions.items():
            asked.cost = costs[question[:2]]
        known = {stream for asked in self._questions.values() for stream in asked.known}
        self._rates = {stream: rate for stream, rate in self._rates.items() if stream in known}

    async def refresh(self, store: Store, now_ns: int, most: int | None = None) -> StoreError | None:
        """Look again where it is time; returns the last error of the store, if there was one.

        ``most`` limits how many streams' data are counted this time, save that one question is always asked: the
        one that has waited longest, by its window. A stream that is deployed for less than its window has no rate
        yet, and one whose question fails has none until that is due again.
        """
        failed = None
        due = []
        for question, asked in self._questions.items():
            wanted = asked.deployed(question.window(now_ns)[0])
            for stream in asked.known - wanted:
                self._rates.pop(stream, None)
            asked.known &= wanted
            if asked.looked_ns is None:
                urgency = math.inf
            else:
                urgency = (now_ns - asked.looked_ns) / (question.length_ns // AGAIN)
            if asked.known != wanted or not 0 <= urgency < 1:
                due.append((-urgency, question.length_ns, question))
        total = 0
        for _, _, question in sorted(due):
            cost = self._questions[question].cost
            total += cost
            if most is not None and total > max(most, cost):
                break
            try:
                await self._ask(store, question, now_ns)
            except StoreError as error:
                failed = error
        return failed

    async def _ask(self, store: Store, question: _Question, now_ns: int) -> None:
        asked = self._questions[question]
        start_ns, stop_ns = question.window(now_ns)
        selector = Selector(question.measurement, question.field)
        asked.looked_ns, asked.known = now_ns, asked.deployed(start_ns)
        for stream in asked.known:
            self._rates.pop(stream, None)
        told = await (_points_of_bins if question.given else _counts)(store, selector, start_ns, stop_ns)
        counts = asked.index.counts(told)
        seconds = question.length_ns / SECOND_NS
        for stream in asked.known:
            self._rates[stream] = counts.get(stream, 0) / seconds


async def _counts(store: Store, question: Selector, start_ns: int, stop_ns: int) -> Sequence[Count]:
    return await store.counts(question, start_ns=start_ns, stop_ns=stop_ns)


async def _points_of_bins(store: Store, question: Selector, start_ns: int, stop_ns: int) -> Sequence[Count]:
    found = await store.values(question, start_ns=start_ns, stop_ns=stop_ns)
    return [Count(one.tags, sum(_whole(one.values))) for one in found]


def _whole(values: Iterable[object]) -> Iterable[int]:
    return (int(value) for value in values if isinstance(value, int | float))
