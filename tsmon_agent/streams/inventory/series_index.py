"""Which streams a series belongs to, so that one query serves all streams of a measurement and field."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tsmon.availability.reported_bins import LENGTH, selects_reported_bins
from tsmon.stores import Count, Newest, Selector

__all__ = ["NewestDatum", "SeriesIndex", "newest_selector_of"]


@dataclass(frozen=True, slots=True)
class NewestDatum:
    """Time of a stream's newest datum, and the host tag of its series, if it has one."""

    time_ns: int
    host: str | None


def newest_selector_of(selector: Selector) -> Selector:
    """What to query for the newest datum of a stream: all series of its field; of reported bins, their lengths."""
    return Selector(selector.measurement, LENGTH if selects_reported_bins(selector) else selector.field)


class SeriesIndex:
    """Finds the streams that a series belongs to: those whose selector's tags it has.

    Streams are grouped by the names of the tags that select them, so that a series is looked up once for each
    group, however many streams there are.
    """

    def __init__(self, selectors: Mapping[int, Selector]) -> None:
        self._groups: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        for stream, selector in selectors.items():
            keys = tuple(sorted(selector.tags))
            values = tuple(selector.tags[key] for key in keys)
            self._groups.setdefault(keys, {}).setdefault(values, []).append(stream)

    def sum_counts(self, answer: Iterable[Count]) -> dict[int, int]:
        """Sum the counts of each stream's series; streams without values are left out."""
        found: dict[int, int] = {}
        for one in answer:
            for stream in self.of(one.tags):
                found[stream] = found.get(stream, 0) + one.count
        return found

    def find_newest(self, answer: Iterable[Newest], *, reported_bins: bool) -> dict[int, NewestDatum]:
        """Find the newest datum of each stream that has one; of ``reported_bins``, the end of the newest bin."""
        found: dict[int, NewestDatum] = {}
        for one in answer:
            time_ns = one.time_ns + int(one.value) if reported_bins else one.time_ns
            for stream in self.of(one.tags):
                known = found.get(stream)
                if known is None or known.time_ns < time_ns:
                    found[stream] = NewestDatum(time_ns, one.tags.get("host"))
        return found

    def of(self, tags: Mapping[str, str]) -> Iterator[int]:
        """Streams that a series with these tags belongs to."""
        for keys, streams in self._groups.items():
            try:
                yield from streams.get(tuple([tags[key] for key in keys]), ())
            except KeyError:
                continue
