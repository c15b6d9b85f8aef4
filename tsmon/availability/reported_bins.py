"""Reported bins: points of :class:`~tsmon.points.StreamBin`, each of which summarises many data."""

from collections.abc import Mapping
from typing import Final

from tsmon.availability.deployments import BEGINNING_NS, END_NS
from tsmon.points import StreamBin
from tsmon.stores import Bin, Selector, Store

__all__ = ["COUNT", "LENGTH", "read_reported_bins", "selects_reported_bins"]

MEASUREMENT: Final = StreamBin.__declaration__.measurement
LENGTH: Final = "length"
COUNT: Final = "count"


def selects_reported_bins(selector: Selector) -> bool:
    """Whether a selector selects reported bins, regardless of its field."""
    return selector.measurement == MEASUREMENT


async def read_reported_bins(store: Store, selector: Selector) -> list[Bin]:
    """The selected bins, ordered by first time. A point without both fields is not a bin."""
    found = []
    both = [
        await store.values(Selector(MEASUREMENT, field, selector.tags), start_ns=BEGINNING_NS, stop_ns=END_NS + 1)
        for field in (LENGTH, COUNT)
    ]
    counts = {(_key(one.tags), t): int(n) for one in both[1] for t, n in zip(one.times_ns, one.values, strict=True)}
    for one in both[0]:
        key = _key(one.tags)
        for time_ns, length_ns in zip(one.times_ns, one.values, strict=True):
            count = counts.get((key, time_ns))
            if count is not None:
                found.append(Bin(time_ns, time_ns, time_ns + int(length_ns), count))
    return sorted(found, key=lambda one: (one.first_ns, one.last_ns))


def _key(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(tags.items()))
