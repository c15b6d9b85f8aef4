"""How many data streams deliver a second, over windows that suit what is expected of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tsmon.availability.given import COUNT, are_given
from tsmon.stores import Count, Selector, Store
from tsmon_agent.freshness.newest import Index

__all__ = ["Rates", "window_ns"]

PERIODS: Final = 20
"""A rate is told from at least so many expected periods, or from the longest window."""

_SECOND_NS: Final = 1_000_000_000
WINDOWS_NS: Final = tuple(seconds * _SECOND_NS for seconds in (600, 3_600, 21_600, 86_400, 864_000))
AGAIN: Final = 5
"""So many times in the length of a window is it looked at again; each time costs as much as a look at ages."""


def window_ns(expected_rate: float) -> int:
    """Window in nanoseconds for a stream with this rate in Hz: ten minutes, an hour, six, a day, or ten days."""
    needed_ns = PERIODS / expected_rate * _SECOND_NS
    return next((one for one in WINDOWS_NS if one >= needed_ns), WINDOWS_NS[-1])


class Rates:
    """Knows the rate of each stream that has an expected one, in Hz, as of some time ago.

    One question to the store for each measurement, field and window. Of bins that are given the data in those
    that begin within the window are counted.
    """

    def __init__(self) -> None:
        self._rates: dict[int, float] = {}
        self._looked_ns: dict[tuple[str, str, int], int] = {}

    def of(self, stream: int) -> float | None:
        """Rate of a stream by its id; None where it is not known, or nothing is expected."""
        return self._rates.get(stream)

    async def look(
        self,
        store: Store,
        streams: Mapping[int, tuple[Selector, float | None, int | None]],
        now_ns: int,
    ) -> None:
        """Look again where it is time; of each stream its selector, expected rate, and since when it is deployed.

        A stream that is deployed for less than its window has no rate yet. Raises what the store raises.
        """
        questions: dict[tuple[str, str, bool, int], dict[int, Selector]] = {}
        known: dict[int, float] = {}
        for stream, (selector, expected_rate, since_ns) in streams.items():
            if expected_rate is None:
                continue
            length_ns = window_ns(expected_rate)
            if since_ns is not None and since_ns > now_ns - length_ns:
                continue
            given = are_given(selector)
            key = selector.measurement, COUNT if given else selector.field, given, length_ns
            questions.setdefault(key, {})[stream] = selector
            if stream in self._rates:
                known[stream] = self._rates[stream]
        self._rates = known
        for (measurement, field, given, length_ns), selectors in questions.items():
            question = Selector(measurement, field)
            looked_ns = self._looked_ns.get((measurement, field, length_ns))
            new = any(stream not in known for stream in selectors)
            if looked_ns is not None and not new and 0 <= now_ns - looked_ns < length_ns // AGAIN:
                continue
            start_ns, stop_ns = now_ns - length_ns, now_ns
            if given:
                told = await _points_of_bins(store, question, start_ns, stop_ns)
            else:
                told = await store.counts(question, start_ns=start_ns, stop_ns=stop_ns)
            counts = Index(selectors).counts(told)
            self._looked_ns[measurement, field, length_ns] = now_ns
            for stream in selectors:
                known[stream] = counts.get(stream, 0) / (length_ns / _SECOND_NS)


async def _points_of_bins(store: Store, question: Selector, start_ns: int, stop_ns: int) -> Sequence[Count]:
    found = await store.values(question, start_ns=start_ns, stop_ns=stop_ns)
    return [Count(one.tags, sum(_whole(one.values))) for one in found]


def _whole(values: Iterable[object]) -> Iterable[int]:
    return (int(value) for value in values if isinstance(value, int | float))
